//! The causes, most specific first, and how a finding gets its own.
//!
//! To add one: its file and its cases in `causes/`, its `mod` line and its line in [`ALL`].

use std::cmp::Reverse;

use crate::cause::{Cause, Diagnosis, Situation};

mod ci_secret;
mod clock_skew;
mod container_environment;
mod key_deactivated;
mod key_deleted;
mod key_malformed;
mod key_not_propagated;
mod key_of_another_account;
mod key_probing;
mod oidc_token_rejected;
mod region_not_enabled;
mod session_token_expired;
mod session_token_missing;
mod session_without_mfa;
mod signature_mismatch;
mod stale_credentials;
mod unexplained;
mod wrong_partition;

pub use region_not_enabled::must_be_enabled;
pub use wrong_partition::partition;

/// Every cause, most specific first; the last always fits.
pub const ALL: &[&Cause] = &[
    &key_malformed::CAUSE,
    &key_deactivated::CAUSE,
    &key_deleted::CAUSE,
    &key_not_propagated::CAUSE,
    &oidc_token_rejected::CAUSE,
    &session_token_expired::CAUSE,
    &session_without_mfa::CAUSE,
    &key_probing::CAUSE,
    &signature_mismatch::CAUSE,
    &wrong_partition::CAUSE,
    &region_not_enabled::CAUSE,
    &clock_skew::CAUSE,
    &stale_credentials::CAUSE,
    &ci_secret::CAUSE,
    &container_environment::CAUSE,
    &session_token_missing::CAUSE,
    &key_of_another_account::CAUSE,
    &unexplained::CAUSE,
];

/// The cause with an ID; the one that always fits where there is none.
pub fn by_id(id: &str) -> &'static Cause {
    ALL.iter().find(|cause| cause.id == id).copied().unwrap_or(&unexplained::CAUSE)
}

/// How many causes a finding shows.
const SHOWN: usize = 3;

/// The causes that fit, most likely first: by confidence, then in the order of [`ALL`].
pub fn diagnose(situation: &Situation<'_>) -> Vec<Diagnosis> {
    let mut found: Vec<Diagnosis> = ALL
        .iter()
        .filter_map(|cause| Some((cause, (cause.check)(situation)?)))
        .map(|(cause, fit)| Diagnosis {
            id: cause.id,
            title: cause.title,
            confidence: fit.confidence,
            evidence: fit.evidence,
            next_steps: fit
                .next_steps
                .into_iter()
                .chain(cause.next_steps.iter().map(|step| filled_in(step, situation)))
                .collect(),
            not: cause.not,
            reference: cause.reference,
        })
        .collect();
    found.sort_by_key(|diagnosis| Reverse(diagnosis.confidence));
    if found.len() > 1 {
        found.retain(|diagnosis| diagnosis.id != unexplained::CAUSE.id);
    }
    found.truncate(SHOWN);
    found
}

/// A next step with the names of the group in it; what is not known stays a word in capitals.
fn filled_in(step: &str, situation: &Situation<'_>) -> String {
    let group = situation.group;
    let region = match group.regions.keys().next() {
        Some(region) => Some(region.as_str()),
        None => situation
            .left_behind
            .and_then(|left| left.callers.first()?.regions.first().map(String::as_str)),
    };
    let names = [
        ("{access_key_id}", group.key.access_key_id.as_deref(), "ACCESS_KEY_ID"),
        ("{user}", situation.key.user_name.as_deref(), "USER"),
        ("{region}", region, "REGION"),
        ("{account}", group.key.account.as_deref(), "ACCOUNT"),
        ("{source}", Some(group.key.source.as_str()), "SOURCE"),
    ];
    let mut out = String::with_capacity(step.len());
    let mut rest = step;
    // Names are hostile text: each is put in once, and never looked at for further placeholders.
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match names.iter().find(|(placeholder, ..)| rest.starts_with(placeholder)) {
            Some((placeholder, name, unknown)) => {
                out.push_str(&name.map_or_else(|| (*unknown).to_owned(), shell_quoted));
                rest = &rest[placeholder.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A text as one word of a POSIX shell.
pub fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@=+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use serde_json::Value;

    use super::*;
    use crate::cause::Confidence;
    use crate::finding::Outcome;
    use crate::record::Record;
    use crate::report;
    use crate::scan;
    use crate::settings::Settings;

    /// One case of `causes/<id>.json`.
    struct Case {
        name: String,
        matches: bool,
        confidence: Option<String>,
        /// Whether it must also come first of all causes; true unless the case says otherwise.
        first: bool,
        records: Vec<Value>,
        /// A client's log, read beside the records.
        text: Option<String>,
        now: String,
    }

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/causes")
    }

    fn file_name(id: &str) -> String {
        id.replace('-', "_")
    }

    /// A case's records are laid over the file's `record`, so that only what matters is written.
    fn cases(cause: &Cause) -> Vec<Case> {
        let path = folder().join(format!("{}.json", file_name(cause.id)));
        let text = fs::read_to_string(&path).unwrap_or_else(|err| panic!("{path:?}: {err}"));
        let file: Value =
            serde_json::from_str(&text).unwrap_or_else(|err| panic!("{path:?}: {err}"));
        let cases = file["cases"].as_array().unwrap();
        let read = |case: &Value| Case {
            name: format!("{}: {}", cause.id, case["name"].as_str().unwrap()),
            matches: case["matches"].as_bool().unwrap(),
            confidence: case["confidence"].as_str().map(str::to_owned),
            first: case["first"].as_bool().unwrap_or(true),
            records: records(&file["record"], case["records"].as_array().unwrap()),
            text: case["text"].as_str().map(str::to_owned),
            now: case["now"].as_str().unwrap_or("2026-01-03T00:00:00Z").to_owned(),
        };
        cases.iter().map(read).collect()
    }

    fn records(base: &Value, over: &[Value]) -> Vec<Value> {
        let lay = |(index, over): (usize, &Value)| {
            let mut whole = base.clone();
            whole["eventID"] = format!("event-{index}").into();
            lay_over(&mut whole, over);
            whole
        };
        over.iter().enumerate().map(lay).collect()
    }

    fn lay_over(under: &mut Value, over: &Value) {
        match (under, over) {
            (Value::Object(under), Value::Object(over)) => {
                for (key, value) in over {
                    lay_over(under.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
            (under, over) => *under = over.clone(),
        }
    }

    /// The outcome, and for each group whether the cause itself says it fits.
    fn run(cause: &Cause, case: &Case) -> (Outcome, Vec<Option<Confidence>>) {
        let parse = |record: &Value| Record::parse(record.to_string().as_bytes()).unwrap();
        let records: Vec<Record> = case.records.iter().map(parse).collect();
        let now = case.now.parse().unwrap();
        let mut scan = scan::of_records(&records, Settings::default(), now);
        if let Some(text) = &case.text {
            for failure in report::to_failures(&report::parse(text), "terraform.log") {
                scan.add_failure(&failure);
            }
        }
        let mut verdicts = Vec::new();
        let outcome = scan.conclude(|situation| {
            verdicts.push((cause.check)(situation).map(|fit| fit.confidence));
        });
        assert!(outcome.read.adds_up(), "{}", case.name);
        (outcome, verdicts)
    }

    #[test]
    fn every_cause_has_cases_and_agrees_with_them() {
        for cause in ALL {
            let cases = cases(cause);
            assert!(cases.iter().any(|case| case.matches), "{} never fits", cause.id);
            // What always fits has no case that it does not fit.
            let always = cause.id == unexplained::CAUSE.id;
            assert!(always || cases.iter().any(|case| !case.matches), "{} always fits", cause.id);
            for case in cases {
                let (outcome, verdicts) = run(cause, &case);
                assert!(!outcome.findings.is_empty(), "{}: no finding", case.name);
                let fit = verdicts.iter().flatten().max();
                assert_eq!(fit.is_some(), case.matches, "{}: {verdicts:?}", case.name);
                if let (Some(fit), Some(expected)) = (fit, &case.confidence) {
                    assert_eq!(fit.name(), expected, "{}", case.name);
                }
                if case.matches && case.first {
                    let firsts: Vec<_> = outcome.findings.iter().map(|f| f.causes[0].id).collect();
                    assert!(firsts.contains(&cause.id), "{}: {firsts:?}", case.name);
                }
            }
        }
    }

    #[test]
    fn evidence_is_never_empty_and_names_records_that_were_read() {
        for cause in ALL {
            for case in cases(cause) {
                let (outcome, _) = run(cause, &case);
                let ids: BTreeSet<&str> =
                    case.records.iter().filter_map(|record| record["eventID"].as_str()).collect();
                for diagnosis in outcome.findings.iter().flat_map(|finding| &finding.causes) {
                    assert!(!diagnosis.evidence.is_empty(), "{}", case.name);
                    for evidence in &diagnosis.evidence {
                        assert!(!evidence.fact.ends_with('.'), "{}: {}", case.name, evidence.fact);
                        for id in &evidence.event_ids {
                            let known = ids.contains(id.as_str()) || id.starts_with("report:");
                            assert!(known, "{}: {id}", case.name);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_table_holds_each_file_once_under_its_own_name() {
        let listed: Vec<String> = ALL.iter().map(|cause| file_name(cause.id)).collect();
        let unique: BTreeSet<&String> = listed.iter().collect();
        assert_eq!(unique.len(), listed.len());
        let files: BTreeSet<String> = fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(files.iter().collect::<BTreeSet<_>>(), unique);
        for cause in ALL {
            assert!(cause.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!(!cause.title.ends_with('.') && !cause.title.is_empty(), "{}", cause.id);
            assert!(cause.reference.starts_with("https://"), "{}", cause.id);
            assert!(!cause.next_steps.is_empty(), "{}", cause.id);
        }
        assert_eq!(ALL.last().unwrap().id, "unexplained");
    }

    #[test]
    fn names_in_next_steps_are_one_shell_word_each() {
        assert_eq!(shell_quoted("deploy"), "deploy");
        assert_eq!(shell_quoted("x; rm -rf ~"), "'x; rm -rf ~'");
        assert_eq!(shell_quoted("it's"), r"'it'\''s'");
        assert_eq!(shell_quoted("--version"), "'--version'");
        assert_eq!(shell_quoted(""), "''");
    }
}
