//! What is kept stays small and whole, and coverage has no gaps.

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn failure(n: u32) -> Failure {
    Failure {
        origin: Origin::Recorded,
        event_id: format!("event-{n}"),
        time: Some(at("2026-01-02T03:00:00Z") + TimeDelta::seconds(i64::from(n))),
        account: Some("111122223333".to_owned()),
        access_key_id: Some("AKIADEPLOYCI1EXAMPLE".to_owned()),
        source: "203.0.113.10".to_owned(),
        code: "InvalidClientTokenId".to_owned(),
        family: Family::UnknownCredentials,
        message: format!("message {n}"),
        event_source: Some("sts.amazonaws.com".to_owned()),
        event_name: Some(format!("Operation{n}")),
        region: Some("us-east-1".to_owned()),
        principal: None,
        user_agent: format!("tool-{n}/1.0"),
        request_id: None,
        status: None,
        stage: None,
    }
}

#[test]
fn a_finding_stays_small_and_its_counts_whole() {
    let now = at("2026-01-02T04:00:00Z");
    let mut kept = StoredFinding::new(group_key(&failure(0), false), now);
    for n in 0..500 {
        let mut failure = failure(n);
        failure.message = "€".repeat(2_000) + &n.to_string();
        kept.count(&failure, now);
    }
    let sum = |tallies: &crate::tally::Tallies| tallies.values().map(|t| t.count).sum::<u64>();
    assert_eq!(kept.group.origins.recorded, 500);
    assert_eq!(sum(&kept.group.event_names), 500);
    assert_eq!(kept.group.event_names.len(), 11);
    assert_eq!(kept.group.clients.values().map(|(_, tally)| tally.count).sum::<u64>(), 500);
    assert_eq!(kept.group.clients.len(), 11);
    assert_eq!(kept.recent.len(), RECENT);
    assert_eq!(kept.recent.last(), failure(499).time.as_ref());
    let json = serde_json::to_string(&kept).unwrap();
    assert!(json.len() < 40_000, "{}", json.len());
    let read: StoredFinding = serde_json::from_str(&json).unwrap();
    assert_eq!(read.restored(), kept);
}

#[test]
fn groups_have_different_ids() {
    let key = |account: Option<&str>, id: Option<&str>, source: &str| {
        GroupId::of(&GroupKey {
            account: account.map(str::to_owned),
            access_key_id: id.map(str::to_owned),
            source: source.to_owned(),
            event_source: None,
        })
    };
    let ids = [
        key(None, None, "a"),
        key(None, Some(""), "a"),
        key(Some(""), None, "a"),
        key(Some("a"), Some("b"), "c"),
        key(Some("ab"), Some(""), "c"),
    ];
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
    assert!(ids.iter().all(|id| id.as_str().len() == 32));
}

#[test]
fn coverage_opens_and_closes_without_gaps() {
    let late = TimeDelta::minutes(15);
    let range = |from: &str, to: &str| TimeRange { from: at(from), to: at(to) };
    let mut coverage = Coverage::default();
    coverage.open(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"), late);
    assert_eq!(coverage.holes, [range("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")]);
    coverage.close(range("2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z"));
    assert_eq!(coverage.holes, [range("2026-01-01T00:00:00Z", "2026-01-01T11:59:59Z")]);
    assert_eq!(coverage.lag(at("2026-01-02T00:00:00Z")), TimeDelta::hours(24));
    // The next run reads the newest part again and keeps the old hole.
    coverage.open(at("2026-01-01T00:05:00Z"), at("2026-01-02T00:05:00Z"), late);
    assert_eq!(
        coverage.holes,
        [
            range("2026-01-01T00:00:00Z", "2026-01-01T11:59:59Z"),
            range("2026-01-01T23:45:00Z", "2026-01-02T00:05:00Z"),
        ]
    );
    // A clock that goes back re-opens nothing before what it can see.
    let before = coverage.read_up_to;
    coverage.open(at("2025-12-31T00:00:00Z"), at("2026-01-01T18:00:00Z"), late);
    assert_eq!(coverage.read_up_to, before);
    coverage.close(range("2026-01-01T00:00:00Z", "2026-01-02T00:05:00Z"));
    assert!(coverage.holes.is_empty());
    assert_eq!(coverage.lag(at("2026-01-02T00:06:00Z")), TimeDelta::minutes(1));
}

#[test]
fn a_source_keeps_each_refused_key_once() {
    let mut source = SourceRecord::default();
    assert!(source.take(&failure(1)));
    assert!(!source.take(&failure(2)));
    let mut signature = failure(3);
    signature.family = Family::Signature;
    signature.access_key_id = Some("AKIADEPLOYCI2EXAMPLE".to_owned());
    assert!(!source.take(&signature));
    assert_eq!(source.keys.len(), 1);
}
