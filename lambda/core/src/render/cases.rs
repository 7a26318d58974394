//! The outcomes of every case of every cause, for the tests of what people read: here are the steps
//! and facts that causes put together, with the names of a group in them.

use std::fs;

use serde_json::{Map, Value};

use crate::causes::ALL;
use crate::finding::Outcome;
use crate::record::Record;
use crate::report;
use crate::scan;
use crate::settings::Settings;

/// Each case's name and outcome.
pub(super) fn outcomes() -> Vec<(String, Outcome)> {
    let cases = ALL.iter().flat_map(|cause| {
        let name = cause.id.replace('-', "_");
        let path = format!("{}/src/causes/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let cases = file["cases"].as_array().unwrap().clone();
        cases.into_iter().map(move |case| {
            let name = format!("{}: {}", cause.id, case["name"].as_str().unwrap());
            (name, outcome(&file["record"], &case))
        })
    });
    cases.collect()
}

fn outcome(base: &Value, case: &Value) -> Outcome {
    let over = case["records"].as_array().unwrap().iter().enumerate();
    let records: Vec<Record> = over
        .map(|(index, over)| {
            let mut whole = base.clone();
            whole["eventID"] = format!("event-{index}").into();
            lay_over(&mut whole, over);
            Record::parse(whole.to_string().as_bytes()).unwrap()
        })
        .collect();
    let now = case["now"].as_str().unwrap_or("2026-01-03T00:00:00Z").parse().unwrap();
    let mut scan = scan::of_records(&records, Settings::default(), now);
    if let Some(text) = case["text"].as_str() {
        for failure in report::to_failures(&report::parse(text), "terraform.log") {
            scan.add_failure(&failure);
        }
    }
    scan.finish()
}

/// A case's record says only what differs from the file's.
fn lay_over(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => over.iter().for_each(|(key, value)| {
            lay_over(entry(under, key), value);
        }),
        (under, over) => *under = over.clone(),
    }
}

fn entry<'a>(object: &'a mut Map<String, Value>, key: &str) -> &'a mut Value {
    object.entry(key.to_owned()).or_insert(Value::Null)
}

#[test]
fn nothing_says_that_a_predicted_failure_was_observed() {
    let mut seen = 0;
    for (case, outcome) in outcomes() {
        let predicted = outcome
            .findings
            .iter()
            .filter(|finding| finding.origins.recorded + finding.origins.reported == 0);
        for diagnosis in predicted.flat_map(|finding| &finding.causes) {
            let facts = diagnosis.evidence.iter().map(|evidence| evidence.fact.as_str());
            let steps = diagnosis.next_steps.iter().map(String::as_str);
            for text in [diagnosis.title, diagnosis.not].into_iter().chain(facts).chain(steps) {
                for word in ["refused", "refusal", "failed", "fails", "failing"] {
                    assert!(!text.contains(word), "{case}: {text}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}
