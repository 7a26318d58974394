//! The statements hold what the code tables hold, and nothing that a stranger could put in.

use super::*;

fn place() -> Place {
    Place {
        bucket: Some("example-trail".to_owned()),
        prefix: String::new(),
        organization: None,
        accounts: vec!["111122223333".to_owned(), "444455556666".to_owned()],
        regions: vec!["us-east-1".to_owned(), "eu-west-1".to_owned()],
        from: Some("2025-01-01".parse().unwrap()),
        to: None,
        database: "security".to_owned(),
        table: "trail".to_owned(),
        look_back: TimeDelta::hours(24),
    }
}

fn sql(place: &Place) -> String {
    all(place).unwrap().into_iter().map(|one| one.sql + ";\n").collect()
}

#[test]
fn nothing_is_left_to_fill_in() {
    for statement in all(&place()).unwrap() {
        let sql = statement.sql.replace("${account}", "").replace("${region}", "");
        let sql = sql.replace("${day}", "").replace("{\"Records\":[…]}", "");
        let counts = regex_counts(&sql);
        assert!(counts.is_empty(), "{}: {counts:?}", statement.name);
    }
}

/// Names in braces, but not the counts of regular expressions.
fn regex_counts(sql: &str) -> Vec<&str> {
    sql.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .filter(|name| name.bytes().any(|byte| byte.is_ascii_alphabetic()))
        .collect()
}

#[test]
fn every_code_is_in_the_query_with_its_family() {
    let sql = query(&place(), Query::Failures).unwrap().sql;
    for (code, family) in CODES {
        let family = format!("THEN '{}'", name(family));
        let found = sql.lines().any(|line| {
            line.contains("WHEN bare_code IN (")
                && line.contains(&format!("'{code}'"))
                && line.ends_with(&family)
        });
        assert!(found, "{code} {family}");
    }
}

#[test]
fn an_organisation_adds_its_folder() {
    let one = Place {
        prefix: "/logs/".to_owned(),
        organization: Some("o-exampleorg1".to_owned()),
        ..place()
    };
    let sql = table(&one).unwrap().sql;
    let folder = "s3://example-trail/logs/AWSLogs/o-exampleorg1/";
    assert!(sql.contains(&format!("LOCATION '{folder}'")));
    assert!(sql.contains(&format!("'{folder}${{account}}/CloudTrail/${{region}}/${{day}}'")));
}

#[test]
fn accounts_are_listed_named_or_asked_for() {
    let listed = sql(&place());
    assert!(listed.contains("'projection.account.values' = '111122223333,444455556666'"));
    assert!(!listed.contains("AND account"));
    let asked = sql(&Place { accounts: Vec::new(), ..place() });
    assert!(asked.contains("'projection.account.type' = 'injected'"));
    assert_eq!(asked.matches("    AND account = ?\n").count(), Query::ALL.len());
    let many = (0..51).map(|number| format!("{number:012}")).collect();
    let named = sql(&Place { accounts: many, ..place() });
    assert!(named.contains("'projection.account.type' = 'injected'"));
    assert!(named.contains("AND account IN ('000000000000', '000000000001',"));
}

#[test]
fn days_are_folders() {
    let both = sql(&Place { to: "2025-02-03".parse().ok(), ..place() });
    assert!(both.contains("WHERE day >= '2025/01/01'\n    AND day <= '2025/02/03'\n"));
    assert!(both.contains("'projection.day.range' = '2025/01/01,NOW'"));
    let none = sql(&Place { from: None, ..place() });
    assert!(
        none.contains("WHERE day >= date_format(current_date - INTERVAL '30' DAY, '%Y/%m/%d')")
    );
}

#[test]
fn names_are_quoted_and_end_no_statement() {
    let hostile = Place {
        database: "a\"; DROP TABLE b; --".to_owned(),
        table: "c` (x string); --{table}".to_owned(),
        ..place()
    };
    let sql = sql(&hostile);
    assert!(sql.contains("FROM \"a\"\"; DROP TABLE b; --\".\"c` (x string); --{table}\"\n"));
    assert!(sql.contains("`a\"; DROP TABLE b; --`.`c`` (x string); --{table}` (\n"));
}

#[test]
fn what_would_change_a_path_or_a_list_is_refused() {
    let of = |change: fn(&mut Place)| {
        let mut place = place();
        change(&mut place);
        all(&place).map(drop).unwrap_err().to_string()
    };
    type Change = fn(&mut Place);
    let cases: [(Change, &str); 12] = [
        (|place| place.bucket = None, "needs the name of the bucket"),
        (|place| place.bucket = Some("a'b".into()), "the bucket"),
        (|place| place.prefix = "a'b".into(), "the prefix"),
        (|place| place.prefix = "${day}".into(), "the prefix"),
        (|place| place.organization = Some("o-1".into()), "the organisation"),
        (|place| place.accounts = vec!["1111222233334".into()], "the account"),
        (|place| place.accounts = vec!["11112222333x".into()], "the account"),
        (|place| place.regions = vec!["us-east-1,eu".into()], "the region"),
        (|place| place.regions = vec!["eu-west-1".into()], "us-east-1"),
        (|place| place.table = "a\n--".into(), "the table"),
        (|place| place.look_back = TimeDelta::zero(), "the look-back"),
        (|place| place.to = "2024-12-31".parse().ok(), "later than"),
    ];
    for (change, expected) in cases {
        let found = of(change);
        assert!(found.contains(expected), "{found}");
    }
}
