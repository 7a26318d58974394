//! A Region of one partition (commercial, China, GovCloud, isolated) called with another's key.

use std::collections::BTreeSet;

use crate::cause::{Cause, Confidence, Evidence, Match, Situation};
use crate::causes::shell_quoted;
use crate::failure::Family;

pub(super) const CAUSE: Cause = Cause {
    id: "wrong-partition",
    title: "The key belongs to another partition than the Region",
    explanation: "AWS runs separate partitions: aws (commercial), aws-cn (China), aws-us-gov \
                  (GovCloud), and isolated and sovereign ones. Each has its own accounts and its own \
                  list of access keys. A Region of one partition has never heard of a key of \
                  another, however good the key is at home.",
    not: "It does not mean that the key is dead or lacks permissions, and no policy, role trust or \
          Region setting lets a key work across partitions.",
    next_steps: &[
        "See which partition the credentials belong to, by the start of the ARN (arn:aws:, \
         arn:aws-cn: or arn:aws-us-gov:): aws sts get-caller-identity --query Arn --region REGION_OF_THE_KEY",
        "See which Region the client uses, and from where it takes it: aws configure list; env | grep -E 'AWS_(DEFAULT_)?REGION|AWS_ENDPOINT_URL'",
        "Keep one profile for each partition, with key and Region together: aws configure --profile NAME",
        "In Terraform, look at `region` of the provider and, apart from it, of the S3 backend; write \
         data.aws_partition.current.partition in ARNs",
    ],
    false_positives: &["A program that tries every Region it has heard of"],
    reference: "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html",
    check,
};

/// The partition of a Region
/// (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
pub fn partition(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
    ];
    let named = PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix));
    named.map_or("aws", |(_, partition)| partition)
}

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let refusals = group.families.get(&Family::UnknownCredentials)?;
    let called: BTreeSet<&str> = group.regions.keys().map(|region| partition(region)).collect();
    let regions: Vec<&str> = group.regions.keys().map(String::as_str).collect();
    let (one, true) = (*called.first()?, called.len() == 1) else { return None };

    let mut evidence = Vec::new();
    let mut next_steps = Vec::new();
    let mut home = BTreeSet::new();
    for (arn, tally) in &group.principals {
        let Some(owner) = of_arn(arn) else { continue };
        if home.insert(owner) {
            evidence.push(Evidence::new(
                format!("The refused caller is of the partition {owner}: {arn}"),
                tally.event_ids(),
            ));
        }
    }
    for used in &situation.key.uses {
        let owner = used.caller.principal.as_deref().and_then(of_arn);
        let owner = owner.unwrap_or_else(|| partition(&used.region));
        if home.insert(owner) {
            let (count, region) = (used.tally.count, &used.region);
            evidence.push(Evidence::new(
                format!(
                    "The key is of the partition {owner}: it succeeded in {region} (calls: {count})"
                ),
                used.tally.event_ids(),
            ));
            next_steps.push(format!(
                "Check the key where it belongs: aws sts get-caller-identity --region {}",
                shell_quoted(region)
            ));
        }
    }
    let confidence = match home.is_empty() {
        _ if home.contains(one) => return None,
        false => Confidence::High,
        // Most keys are of the commercial partition, so that one says nothing by itself.
        true if one == "aws" => return None,
        true => Confidence::Low,
    };
    evidence.push(Evidence::new(
        format!("All refused calls went to the partition {one}: {}", regions.join(", ")),
        refusals.event_ids(),
    ));
    Some(Match { confidence, evidence, next_steps })
}

/// The partition in an ARN.
fn of_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').next().filter(|partition| !partition.is_empty())
}
