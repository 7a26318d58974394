//! The contract of predictions, case by case, and that order and repetition do not matter.

use proptest::prelude::*;

use super::*;
use crate::finding::Finding;

const OLD: &str = "AKIAOLDDEPLOYEXAMPLE";
const NEW: &str = "AKIANEWDEPLOYEXAMPLE";
const CI: &str = "198.51.100.7";
const LAPTOP: &str = "203.0.113.9";

/// A record: `minute` after midnight, by `key` from `source`.
fn call(id: &str, minute: u32, key: &str, source: &str, more: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventID":"{id}","eventTime":"2026-01-02T{:02}:{:02}:00Z",
        "eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1",
        "sourceIPAddress":"{source}","userAgent":"aws-cli/2.17.32","recipientAccountId":"111122223333",
        "userIdentity":{{"type":"IAMUser","accountId":"111122223333","userName":"deploy",
        "arn":"arn:aws:iam::111122223333:user/deploy","accessKeyId":"{key}"}}{more}}}"#,
        minute / 60,
        minute % 60,
    )
}

fn used(id: &str, minute: u32, key: &str, source: &str) -> String {
    call(id, minute, key, source, "")
}

/// A change of a key by an administrator.
fn changed(id: &str, minute: u32, name: &str, key: &str, status: &str) -> String {
    call(id, minute, "AKIAADMINKEY1EXAMPLE", "192.0.2.1", "")
        .replace("\"deploy\"", "\"admin\"")
        .replace("user/deploy", "user/admin")
        .replace("s3.amazonaws.com", "iam.amazonaws.com")
        .replace("ListBuckets", name)
        .replacen(
            "\"recipientAccountId\"",
            &format!(
                r#""requestParameters":{{"userName":"deploy","accessKeyId":"{key}","status":"{status}"}},"recipientAccountId""#
            ),
            1,
        )
}

fn off(id: &str, minute: u32) -> String {
    changed(id, minute, "UpdateAccessKey", OLD, "Inactive")
}

fn on(id: &str, minute: u32) -> String {
    changed(id, minute, "UpdateAccessKey", OLD, "Active")
}

fn deleted(id: &str, minute: u32) -> String {
    changed(id, minute, "DeleteAccessKey", OLD, "")
}

/// A session minted with a key, good for so many minutes.
fn minted(id: &str, minute: u32, by: &str, session: &str, until: &str) -> String {
    call(id, minute, by, CI, "").replace("s3.amazonaws.com", "sts.amazonaws.com").replace(
        "\"ListBuckets\"",
        &format!(
            r#""GetSessionToken","responseElements":{{"credentials":{{"accessKeyId":"{session}","expiration":"Jan 2, 2026 {until}:00 PM"}}}}"#
        ),
    )
}

fn parsed(texts: &[String]) -> Vec<Record> {
    texts.iter().map(|text| Record::parse(text.as_bytes()).unwrap()).collect()
}

fn outcome(texts: &[String]) -> Outcome {
    let now = "2026-01-02T20:00:00Z".parse().unwrap();
    of_records(&parsed(texts), Settings::default(), now).finish()
}

fn only(outcome: &Outcome) -> &Finding {
    assert_eq!(outcome.findings.len(), 1, "{:#?}", outcome.findings);
    &outcome.findings[0]
}

fn since(finding: &Finding) -> String {
    finding.predicted.as_ref().unwrap().since.format("%H:%M").to_string()
}

#[test]
fn a_caller_of_a_key_that_is_turned_off_is_expected_to_fail_since_then() {
    let outcome = outcome(&[used("u1", 60, OLD, CI), used("u2", 90, OLD, CI), off("off", 120)]);
    let finding = only(&outcome);
    assert_eq!(finding.origins.predicted, 1);
    assert_eq!((finding.origins.recorded, finding.first_seen), (0, None));
    assert_eq!(finding.predicted.as_ref().unwrap().uses, 2);
    assert_eq!(since(finding), "02:00");
    assert_eq!(finding.causes[0].id, "key-deactivated");
    assert_eq!(outcome.key_changes[0].left_behind, 1);
}

#[test]
fn uses_outside_the_look_back_do_not_count() {
    let texts = [used("u1", 60, OLD, CI), off("off", 120)];
    let now = "2026-01-02T20:00:00Z".parse().unwrap();
    let found = |minutes| {
        let look_back = chrono::TimeDelta::minutes(minutes);
        let settings = Settings { look_back, ..Settings::default() };
        of_records(&parsed(&texts), settings, now).finish().findings.len()
    };
    assert_eq!((found(60), found(59)), (1, 0), "the edge belongs to the look-back");
}

#[test]
fn the_look_back_counts_from_each_moment_the_key_goes_off() {
    let again = [used("u1", 60, OLD, CI), off("o1", 120), on("n1", 180), off("o2", 600)];
    assert_eq!(since(only(&outcome(&again))), "02:00", "not seen since the first time");
    let used_between = [&again[..], &[used("u2", 200, OLD, CI)]].concat();
    let outcome = outcome(&used_between);
    assert_eq!(since(only(&outcome)), "10:00", "it came back and depends on the key anew");
    assert_eq!(only(&outcome).resolved, None);
}

#[test]
fn off_then_deleted_counts_from_the_off() {
    let outcome = outcome(&[used("u1", 60, OLD, CI), off("off", 120), deleted("del", 300)]);
    assert_eq!(since(only(&outcome)), "02:00");
    assert_eq!(only(&outcome).causes[0].id, "key-deleted");
}

#[test]
fn a_success_on_another_long_term_key_of_the_same_user_and_source_resolves() {
    let base = [used("u1", 60, OLD, CI), off("off", 120)];
    let with = |more: String| {
        let outcome = outcome(&[&base[..], &[more]].concat());
        only(&outcome).resolved.as_ref().map(|resolved| resolved.event_id.clone())
    };
    assert_eq!(with(used("ok", 122, NEW, CI)).as_deref(), Some("ok"));
    assert_eq!(with(used("early", 121, NEW, CI)), None, "within the propagation time");
    assert_eq!(with(used("before", 100, NEW, CI)), None, "before the change");
    assert_eq!(with(used("elsewhere", 130, NEW, LAPTOP)), None, "another source");
    let other = used("other", 130, NEW, CI).replace("user/deploy", "user/other");
    assert_eq!(with(other), None, "another principal behind the same address");
    let refused = call("no", 130, NEW, CI, r#","errorCode":"AccessDenied""#);
    assert_eq!(with(refused), None, "not a success");
}

#[test]
fn sessions_prove_something_only_if_another_long_term_key_minted_them() {
    let base = [used("u1", 60, OLD, CI), off("off", 120)];
    let with = |more: &[String]| {
        let outcome = outcome(&[&base[..], more].concat());
        only(&outcome).resolved.as_ref().map(|resolved| resolved.event_id.clone())
    };
    let session = "ASIASESSION01EXAMPLE";
    let by_old = [minted("m", 100, OLD, session, "1:00"), used("s", 200, session, CI)];
    assert_eq!(with(&by_old), None, "a session of the dead key");
    let by_new = [minted("m", 130, NEW, session, "1:00"), used("s", 200, session, CI)];
    // The minting is itself a success with the new key.
    assert_eq!(with(&by_new).as_deref(), Some("m"));
    assert_eq!(with(&by_new[1..]), None, "nobody knows who minted it");
}

#[test]
fn the_key_itself_resolves_after_it_is_on_again() {
    let base = [used("u1", 60, OLD, CI), off("off", 120), on("on", 180)];
    let resolved = |more: String| {
        let outcome = outcome(&[&base[..], &[more]].concat());
        only(&outcome).resolved.as_ref().map(|resolved| resolved.event_id.clone())
    };
    assert_eq!(resolved(used("u2", 181, OLD, CI)).as_deref(), Some("u2"));
    assert_eq!(resolved(used("late", 125, OLD, CI)), None, "a success while it was off");
}

#[test]
fn sessions_of_the_key_outlive_it_and_are_listed_apart() {
    let session = "ASIASESSION01EXAMPLE";
    let texts = [
        minted("m", 60, OLD, session, "1:00"),
        used("s1", 90, session, CI),
        used("s2", 200, session, LAPTOP),
        off("off", 120),
    ];
    let outcome = outcome(&texts);
    assert_eq!(only(&outcome).access_key_id.as_deref(), Some(OLD), "the minting is a use");
    let sessions = &outcome.key_changes[0].sessions;
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].ends, Some("2026-01-02T13:00:00Z".parse().unwrap()));
    assert!(!sessions[0].live, "the run is at 20:00");
    assert_eq!(sessions[0].callers.len(), 2);

    let deleted = changed("du", 300, "DeleteUser", "", "");
    let ended = super::tests::outcome(&[&texts[..], &[deleted]].concat());
    let ends = ended.key_changes[0].sessions[0].ends;
    assert_eq!(ends, Some("2026-01-02T05:00:00Z".parse().unwrap()), "the user's end ends it");
}

#[test]
fn calls_by_services_are_listed_apart() {
    let service = used("c", 90, OLD, "cloudformation.amazonaws.com");
    let outcome = outcome(&[service, off("off", 120)]);
    assert_eq!(outcome.findings.len(), 0);
    assert_eq!(outcome.key_changes[0].service_uses[0].uses, 1);
}

#[test]
fn a_deleted_user_takes_the_keys_along() {
    let outcome = outcome(&[used("u1", 60, OLD, CI), changed("du", 120, "DeleteUser", "", "")]);
    assert_eq!(since(only(&outcome)), "02:00");
}

/// Records of every kind, from which samples are drawn.
fn pool() -> Vec<String> {
    let session = "ASIASESSION01EXAMPLE";
    let refused = |id: &str, minute, key: &str, source: &str| {
        let error = r#","errorCode":"InvalidClientTokenId","errorMessage":"no""#;
        call(id, minute, key, source, error)
    };
    vec![
        used("u1", 60, OLD, CI),
        used("u2", 61, OLD, CI).replace("aws-cli/2.17.32", "Boto3/1.26.165"),
        used("u3", 61, OLD, CI).replace("aws-cli/2.17.32", "aws-cli/2.17.32 m/g"),
        used("u4", 61, OLD, LAPTOP),
        off("o1", 120),
        on("n1", 180),
        deleted("d1", 300),
        changed("du", 310, "DeleteUser", "", ""),
        minted("m1", 100, OLD, session, "1:00"),
        minted("m2", 130, NEW, "ASIASESSION02EXAMPLE", "2:00"),
        used("s1", 140, session, CI),
        used("s2", 141, "ASIASESSION02EXAMPLE", LAPTOP),
        used("ok", 400, NEW, CI),
        refused("r1", 130, OLD, CI),
        refused("r2", 130, OLD, CI).replace("aws-cli/2.17.32", "aws-cli/2.17.32 m/g"),
        refused("r3", 131, OLD, LAPTOP),
        refused("r4", 132, "", "192.0.2.77"),
        used("svc", 90, OLD, "cloudformation.amazonaws.com"),
    ]
}

proptest! {
    #[test]
    fn order_repetition_and_files_do_not_matter(
        picked in prop::sample::subsequence(pool(), 0..=18).prop_shuffle(),
        repeated in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let now = "2026-01-02T20:00:00Z".parse().unwrap();
        let mut sorted = picked.clone();
        sorted.sort();
        let expected = outcome(&sorted);

        let mut texts = picked.clone();
        if !picked.is_empty() {
            texts.extend(repeated.iter().map(|index| index.get(&picked).clone()));
        }
        let records = parsed(&texts);
        let (first, second) = records.split_at(cut.index(records.len() + 1));
        let mut scan = Scan::new(Settings::default(), now);
        for part in [second, first] {
            let mut look = FirstLook::default();
            part.iter().for_each(|record| look.take(record));
            scan.add("part", look);
        }
        let mut looked = BTreeSet::new();
        loop {
            let fresh: BTreeSet<String> = scan.interest().difference(&looked).cloned().collect();
            if fresh.is_empty() {
                break;
            }
            let uses = records.iter().filter_map(KeyUse::of);
            scan.add_uses(uses.filter(|one| fresh.contains(&one.caller.access_key_id)).collect());
            looked.extend(fresh);
        }
        let found = scan.finish();
        prop_assert!(found.read.adds_up());
        prop_assert_eq!(
            found.read.failures - found.read.duplicates,
            expected.read.failures - expected.read.duplicates
        );
        let json = |outcome: &Outcome| {
            serde_json::to_string_pretty(&(&outcome.findings, &outcome.key_changes)).unwrap()
        };
        prop_assert_eq!(json(&found), json(&expected));
    }
}
