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

/// The worst that strangers can write: texts that JSON makes longer, and long names everywhere.
#[test]
fn a_finding_stays_below_its_bound_whatever_is_written_into_it() {
    let now = at("2026-01-02T04:00:00Z");
    let hostile = |n: usize, chars: &str| format!("{n:03}{}", chars.repeat(2_000));
    let mut largest = 0;
    for chars in ["\u{1}", "\"\\", "🔑", "x"] {
        let mut kept = None;
        for n in 0..120 {
            let text = hostile(n, chars);
            let mut failure = failure(n as u32);
            failure.event_id = format!("report:{text}");
            failure.source = format!("log-group:{}", "s".repeat(1_000));
            failure.code.clone_from(&text);
            failure.message.clone_from(&text);
            failure.event_source = Some(text.clone());
            failure.event_name = Some(text.clone());
            failure.region = Some(text.clone());
            failure.principal = Some(text.clone());
            failure.request_id = Some(text.clone());
            failure.status = Some(n as u16);
            failure.user_agent = format!("{n}/{text} app/{text} exec-env/{text} {text}");
            let kept: &mut StoredFinding =
                kept.get_or_insert_with(|| StoredFinding::new(group_key(&failure, false), now));
            kept.count(&failure, now);
        }
        let mut kept = kept.unwrap();
        let client = crate::client::parse(&format!("x/{}", chars.repeat(2_000)));
        let caller = |n: usize| crate::left_behind::CallerUses {
            source: kept.group.key.source.clone(),
            client: client.label(),
            parsed: client.clone(),
            principal: Some(hostile(n, chars)),
            uses: n as u64,
            first_use: Some(now),
            last_use: Some(now),
            event_sources: (0..90).map(|n| format!("a-service-{n}.amazonaws.com")).collect(),
            regions: (0..40).map(|n| format!("region-{n}")).collect(),
            event_ids: vec!["10000000-0000-4000-8000-000000000001".to_owned(); 5],
        };
        kept.take_left_behind(LeftBehind {
            account: None,
            access_key_id: "AKIADEPLOYCI1EXAMPLE".to_owned(),
            source: kept.group.key.source.clone(),
            since: now,
            change: KeyChange {
                event_id: "change".to_owned(),
                time: now,
                change: crate::key_change::Change::Deleted,
                access_key_id: None,
                account: None,
                user_name: None,
                changed_by: Some(hostile(0, chars)),
                source: "203.0.113.1".to_owned(),
                user_agent: hostile(0, chars),
            },
            uses: Default::default(),
            callers: (0..40).map(caller).collect(),
            resolved: None,
        });
        kept.causes = crate::causes::diagnose(&crate::cause::Situation {
            group: &kept.group,
            left_behind: kept.left_behind.as_ref(),
            key: &Default::default(),
            keys_tried: &Default::default(),
            now,
        });
        assert_eq!(kept.group.origins.recorded, 120);
        assert_eq!(kept.group.messages.len(), 11);
        assert_eq!(kept.left_behind.as_ref().unwrap().callers.len(), 10);
        let json = serde_json::to_string(&kept).unwrap();
        largest = largest.max(json.len());
        let read: StoredFinding = serde_json::from_str(&json).unwrap();
        assert_eq!(read.group, kept.group);
    }
    println!("the largest finding has {largest} bytes");
    // Room for what is added later, and for more evidence.
    assert!((60_000..FINDING_BYTES * 9 / 10).contains(&largest), "{largest}");
}

#[test]
fn a_key_change_is_cut_to_the_sessions_that_last() {
    let now = at("2026-01-02T04:00:00Z");
    let caller = |n: usize| crate::left_behind::CallerUses {
        source: "203.0.113.10".to_owned(),
        client: "x".repeat(60),
        parsed: Default::default(),
        principal: Some(format!("{n:03}{}", "\u{1}".repeat(500))),
        uses: n as u64,
        first_use: Some(now),
        last_use: Some(now),
        event_sources: (0..90).map(|n| format!("a-service-{n}.amazonaws.com")).collect(),
        regions: (0..40).map(|n| format!("region-{n}")).collect(),
        event_ids: vec!["10000000-0000-4000-8000-000000000001".to_owned(); 5],
    };
    let session = |n: i64| crate::left_behind::Session {
        access_key_id: format!("ASIASESSION{n:02}EXAMPLE"),
        minted: Mint {
            event_id: format!("mint-{n}"),
            time: now,
            event_name: "GetSessionToken".to_owned(),
            parent_access_key_id: "AKIADEPLOYCI1EXAMPLE".to_owned(),
            access_key_id: format!("ASIASESSION{n:02}EXAMPLE"),
            expires: None,
        },
        ends: (n != 7).then(|| now + TimeDelta::minutes(n)),
        live: true,
        callers: (0..30).map(caller).collect(),
    };
    let mut detail = crate::left_behind::KeyChangeDetail {
        change: KeyChange {
            event_id: "change".to_owned(),
            time: now,
            change: crate::key_change::Change::Deleted,
            access_key_id: Some("AKIADEPLOYCI1EXAMPLE".to_owned()),
            account: None,
            user_name: None,
            changed_by: Some("\u{1}".repeat(500)),
            source: "203.0.113.1".to_owned(),
            user_agent: "\u{1}".repeat(500),
        },
        left_behind: 3,
        resolved: 0,
        sessions: (0..60).map(session).collect(),
        service_uses: (0..30).map(caller).collect(),
    };
    assert_eq!(keep_change_small(&mut detail), 40);
    let kept: Vec<&str> = detail.sessions.iter().map(|s| s.access_key_id.as_str()).collect();
    let expected: Vec<String> =
        [7].into_iter().chain(41..60).map(|n| format!("ASIASESSION{n:02}EXAMPLE")).collect();
    assert_eq!(kept, expected);
    assert_eq!(detail.sessions[0].callers.len(), 5);
    assert_eq!(detail.sessions[0].callers[0].uses, 29);
    let bytes = serde_json::to_string(&detail).unwrap().len();
    assert!((150_000..300_000).contains(&bytes), "{bytes}");
    assert_eq!(keep_change_small(&mut detail), 0);
}

#[test]
fn event_ids_that_are_cut_stay_different() {
    let mut long = failure(1);
    long.event_id = format!("report:{}:1", "s".repeat(500));
    let mut other = long.clone();
    other.event_id.replace_range(506.., "2");
    let (one, two) = (bounds::short(&long), bounds::short(&other));
    assert_ne!(one.event_id, two.event_id);
    assert!(one.event_id.len() <= 80 && one.event_id.starts_with("report:sss"));
    assert_eq!(*bounds::short(&failure(2)), failure(2));
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
    // After a clock that ran ahead, what lies ahead counts as not read.
    coverage.open(at("2025-12-31T00:00:00Z"), at("2026-01-01T18:00:00Z"), late);
    assert_eq!(coverage.read_up_to, Some(at("2026-01-01T18:00:00Z")));
    assert_eq!(
        coverage.holes,
        [
            range("2026-01-01T00:00:00Z", "2026-01-01T11:59:59Z"),
            range("2026-01-01T17:45:00Z", "2026-01-01T18:00:00Z"),
        ]
    );
    coverage.open(at("2025-12-31T00:00:00Z"), at("2026-01-02T00:05:00Z"), late);
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
