//! Numbers of an invocation as CloudWatch metrics, in the embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! A zero is emitted too: that nothing was seen is not the same as that nothing ran.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::Counts;

/// The namespace of every metric.
const NAMESPACE: &str = "FailureMonitor";

/// The lines for an invocation; each is one JSON object.
pub(super) fn lines(name: &str, counts: &Counts, now: DateTime<Utc>) -> Vec<String> {
    let total = counts.counted;
    let mut metrics = vec![
        ("Seen", counts.read.seen as i64, "Count"),
        ("Failures", total.total() as i64, "Count"),
        ("Duplicates", counts.duplicates as i64, "Count"),
        ("Skipped", counts.read.skipped as i64, "Count"),
        ("AlertsSent", counts.sent as i64, "Count"),
        ("AlertsPending", counts.pending as i64, "Count"),
        ("Digests", counts.digests as i64, "Count"),
    ];
    metrics.extend(counts.lag.map(|lag| ("SweepLagSeconds", lag, "Seconds")));
    metrics.extend(counts.holes.map(|holes| ("CoverageHoleSeconds", holes, "Seconds")));
    let mut lines = vec![line(&[("Name", name)], &metrics, now)];
    for (origin, count) in
        [("recorded", total.recorded), ("reported", total.reported), ("predicted", total.predicted)]
    {
        let metric = [("Failures", count as i64, "Count")];
        lines.push(line(&[("Name", name), ("Origin", origin)], &metric, now));
    }
    for (cause, count) in &counts.causes {
        let metric = [("FailuresByCause", *count as i64, "Count")];
        lines.push(line(&[("Name", name), ("Cause", cause)], &metric, now));
    }
    lines
}

/// Writes them where CloudWatch finds them.
pub(super) fn emit(name: &str, counts: &Counts, now: DateTime<Utc>) {
    let mut out = io::stdout().lock();
    for line in lines(name, counts, now) {
        // Without standard output there is nobody to tell.
        let _ = writeln!(out, "{line}");
    }
}

fn line(dimensions: &[(&str, &str)], metrics: &[(&str, i64, &str)], now: DateTime<Utc>) -> String {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let units: Vec<Value> =
        metrics.iter().map(|(name, _, unit)| json!({"Name": name, "Unit": unit})).collect();
    let mut object = Map::new();
    object.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.timestamp_millis(),
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": units}
            ],
        }),
    );
    for (name, value) in dimensions {
        object.insert((*name).to_owned(), json!(value));
    }
    for (name, value, _) in metrics {
        object.insert((*name).to_owned(), json!(value));
    }
    Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_emitted_as_zero() {
        let lines = lines("fm", &Counts::default(), DateTime::UNIX_EPOCH);
        assert_eq!(lines.len(), 4);
        let first: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(first["Failures"], 0);
        assert_eq!(first["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Name"]]));
        assert!(first.get("SweepLagSeconds").is_none());
        for (line, origin) in lines[1..].iter().zip(["recorded", "reported", "predicted"]) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["Origin"], &line["Failures"]), (&json!(origin), &json!(0)));
        }
    }
}
