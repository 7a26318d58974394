//! Somebody tries keys: many from one source, or one that is long dead from a new place.

use chrono::TimeDelta;

use crate::access_key::{self, KeyKind};
use crate::cause::{Cause, Confidence, Evidence, Match, Situation};
use crate::failure::Family;
use crate::key_change::Change;
use crate::key_use;
use crate::tally::Tally;

pub(super) const CAUSE: Cause = Cause {
    id: "key-probing",
    title: "Somebody is trying out keys",
    explanation: "Lists of leaked keys are tried against AWS to see which still work. It shows as one \
                  address that sends many access key IDs, or as a key that was turned off long ago \
                  and now comes from an address that never used it with success.",
    not: "It does not mean that any of the keys worked: a refused key gave nothing away. Nor can a \
          firewall, security group or WAF of yours stop it, because the calls go to AWS and not to you.",
    next_steps: &[
        "See everything that this source tried: failure-monitor scan PATH --source {source}",
        "See whether a call with this key succeeded, and from where: aws cloudtrail lookup-events --lookup-attributes AttributeKey=AccessKeyId,AttributeValue={access_key_id}",
        "See whose key it is, even of another account: aws sts get-access-key-info --access-key-id {access_key_id}",
        "If it is yours and still active, turn it off: aws iam update-access-key --access-key-id {access_key_id} --user-name {user} --status Inactive",
        "Look for the place it leaked from: git log --all --oneline -S {access_key_id}",
        "If this source has no business here, deny aws:SourceIp {source} in a service control policy: that protects the keys that still work",
    ],
    false_positives: &[
        "An office, VPN or NAT address with many people behind it after a large rotation",
        "A build farm whose jobs hold different keys that were all turned off",
        "A secret scanner or auditor who checks whether found keys are dead",
    ],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/securing_access-keys.html",
    check,
};

/// How many refused keys from one source are more than a mistake; alerts make one incident of a
/// source by the same number.
const MANY_KEYS: usize = 5;
/// Within how long they must come to be a trial rather than neglect.
const SHORT: TimeDelta = TimeDelta::hours(1);
/// After how long a key that was turned off is long dead: jobs that run once a month have noticed.
const LONG_DEAD: TimeDelta = TimeDelta::days(31);

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let source = group.key.source.as_str();
    let refusals = group.families.get(&Family::UnknownCredentials)?;
    // A service or a log is not somebody; behind `unknown` may be anybody.
    if key_use::is_service(source) || source == "unknown" {
        return None;
    }
    let mut worked_here = Tally::default();
    for used in situation.key.uses.iter().filter(|used| used.caller.source == source) {
        worked_here.merge(&used.tally);
    }
    let mut evidence = Vec::new();
    let mut confidence = Confidence::Low;
    // A client that loses its session tokens goes through many temporary keys, and placeholders are
    // nobody's keys: neither is a list of leaked ones.
    let could_work = |id: &str| {
        access_key::kind(id) == Some(KeyKind::LongTerm) && access_key::malformed(id).is_none()
    };
    let tried: Vec<&Tally> = situation
        .keys_tried
        .iter()
        .filter(|(id, _)| could_work(id))
        .map(|(_, tally)| tally)
        .collect();
    if tried.len() >= MANY_KEYS {
        let mut all = Tally::default();
        tried.iter().for_each(|tally| all.merge(tally));
        let count = tried.len();
        let mut fact = format!("{source} was refused with {count} different long-term keys");
        confidence = Confidence::Medium;
        if let (Some(first), Some(last)) = (all.first, all.last) {
            let form = "%Y-%m-%d %H:%M:%S UTC";
            fact += &format!(" between {} and {}", first.format(form), last.format(form));
            if last - first <= SHORT {
                confidence = Confidence::High;
            }
        }
        evidence.push(Evidence::new(fact, all.event_ids()));
    }
    let change = situation.key.changes.iter().rfind(|change| change.change != Change::Quarantined);
    let off = change.filter(|change| {
        matches!(change.change, Change::Deactivated | Change::Deleted | Change::UserDeleted)
    });
    if let (Some(off), Some(first)) = (off, refusals.first)
        && first - off.time >= LONG_DEAD
        && worked_here.count == 0
    {
        let days = (first - off.time).num_days();
        let fact = format!("The key was {} {days} days before {source} sent it", off.change.verb());
        evidence.push(Evidence::new(fact, vec![off.event_id.clone()]));
        confidence = confidence.max(Confidence::Medium);
    }
    if evidence.is_empty() {
        return None;
    }
    if worked_here.count == 0 {
        let fact = "No record that was read shows this key working at this source";
        evidence.push(Evidence::new(fact, Vec::new()));
    } else {
        let fact = format!("This key worked at this source (calls: {})", worked_here.count);
        evidence.push(Evidence::new(fact, worked_here.event_ids()));
        // One who is at home here is rather one of many behind an address.
        confidence = Confidence::Low;
    }
    Some(Match { confidence, evidence, next_steps: Vec::new() })
}
