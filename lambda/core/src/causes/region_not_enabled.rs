//! A Region that is not enabled for the account, or credentials that are not valid there.

use std::collections::BTreeSet;

use super::wrong_partition::partition;
use crate::cause::{Cause, Confidence, Evidence, Match, Situation};
use crate::failure::Family;
use crate::tally::Tally;

pub(super) const CAUSE: Cause = Cause {
    id: "region-not-enabled",
    title: "The Region is not enabled for these credentials",
    explanation: "Regions launched after 20 March 2019 are off until the account enables them, and a \
                  Region that is off does not know the account's keys. Temporary credentials have a \
                  second trap: those from the global endpoint sts.amazonaws.com are version 1 tokens \
                  unless the account asks for version 2, and version 1 tokens are valid only in \
                  Regions that are on by default. Tokens of a regional STS endpoint are valid in all \
                  enabled Regions.",
    not: "It does not mean that the key is wrong or needs rotating: a new key of the same account is \
          refused in the same Region.",
    next_steps: &[
        "See whether the account has enabled the Region: aws account get-region-opt-status --region-name {region}",
        "Enable it, which takes minutes, at times hours: aws account enable-region --region-name {region}",
        "Take temporary credentials from a regional STS endpoint: export AWS_STS_REGIONAL_ENDPOINTS=regional AWS_REGION={region}",
        "Or have the global endpoint issue version 2 tokens, for new sessions: aws iam set-security-token-service-preferences --global-endpoint-token-version v2Token",
        "If the code is RegionDisabledException, activate STS for the Region in the IAM console, under Account settings, Security Token Service (STS)",
    ],
    false_positives: &[
        "A Region that was enabled minutes ago: keys are known there only after a while",
        "A program that asks every Region, those that are off too",
    ],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html",
    check,
};

/// The Regions of the commercial partition that are always on. The list is closed: every Region
/// launched after 20 March 2019 must be enabled
/// (<https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>), so that a
/// new one is judged rightly before anybody adds it here.
const ON_BY_DEFAULT: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether a Region of the commercial partition is off until the account enables it.
pub fn must_be_enabled(region: &str) -> bool {
    let numbered = region.rsplit_once('-').is_some_and(|(_, number)| number.parse::<u8>().is_ok());
    numbered && partition(region) == "aws" && !ON_BY_DEFAULT.contains(&region)
}

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let regions: Vec<&str> = group.regions.keys().map(String::as_str).collect();
    let named = regions.join(", ");
    if let Some(refusals) = group.families.get(&Family::RegionDisabled) {
        let place =
            if group.families.len() == 1 && !regions.is_empty() { &named } else { "a Region" };
        let fact =
            format!("STS answered that it is not active in {place}: RegionDisabledException");
        let evidence = vec![Evidence::new(fact, refusals.event_ids())];
        return Some(Match { confidence: Confidence::High, evidence, next_steps: Vec::new() });
    }
    let refusals = group.families.get(&Family::UnknownCredentials)?;
    // A refusal where every key is known, or a success in the same Region, speaks against it.
    if regions.is_empty()
        || !regions.iter().all(|region| must_be_enabled(region))
        || situation.key.uses.iter().any(|used| group.regions.contains_key(&used.region))
    {
        return None;
    }
    let mut evidence = vec![Evidence::new(
        format!("The calls were refused in Regions that an account must enable first: {named}"),
        refusals.event_ids(),
    )];
    let (mut works, mut works_here, mut worked_in) =
        (Tally::default(), Tally::default(), BTreeSet::new());
    for used in situation.key.uses.iter().filter(|used| ON_BY_DEFAULT.contains(&&*used.region)) {
        works.merge(&used.tally);
        worked_in.insert(used.region.as_str());
        if used.caller.source == group.key.source {
            works_here.merge(&used.tally);
        }
    }
    if works.count > 0 {
        let worked_in: Vec<&str> = worked_in.into_iter().collect();
        evidence.push(Evidence::new(
            format!("The same key succeeded in {} (calls: {})", worked_in.join(", "), works.count),
            works.event_ids(),
        ));
    }
    // The key was good at this source while these Regions refused it, and nothing else did.
    let meanwhile =
        works_here.first.is_some_and(|first| group.all.last.is_some_and(|l| first <= l))
            && works_here.last.is_some_and(|last| group.all.first.is_some_and(|f| last >= f));
    let placed: u64 = group.regions.values().map(|tally| tally.count).sum();
    let confidence = match works.count {
        0 => Confidence::Low,
        _ if meanwhile && placed == group.all.count => Confidence::High,
        _ => Confidence::Medium,
    };
    Some(Match { confidence, evidence, next_steps: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::must_be_enabled;

    #[test]
    fn tells_regions_that_are_off_at_first() {
        let off = "af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 \
                   ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-west-1 eu-central-2 eu-south-1 \
                   eu-south-2 il-central-1 me-central-1 me-south-1 mx-central-1";
        assert!(off.split_whitespace().all(must_be_enabled));
        for on in ["us-east-1", "ap-northeast-3", "cn-north-1", "us-gov-west-1", "aws-global", ""] {
            assert!(!must_be_enabled(on), "{on}");
        }
    }
}
