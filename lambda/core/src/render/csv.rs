//! Findings as CSV for spreadsheets and programs: a header, and one line per finding.
//!
//! Knows what a spreadsheet takes for a formula. Key IDs are whole here.

use chrono::{DateTime, SecondsFormat, Utc};

use super::visible;
use crate::finding::{Finding, Outcome};

/// The columns.
const HEADER: [&str; 19] = [
    "access_key_id",
    "user_name",
    "account",
    "source",
    "recorded",
    "reported",
    "predicted",
    "codes",
    "first_seen",
    "last_seen",
    "expected_since",
    "resolved",
    "clients",
    "principals",
    "regions",
    "event_sources",
    "cause",
    "confidence",
    "sample_event_ids",
];

/// The findings as CSV. Lists are joined with `; `, times are RFC 3339, what is not known is empty.
#[expect(clippy::expect_used, reason = "writing to memory does not fail")]
pub fn render(outcome: &Outcome) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER).expect("a header is written to memory");
    for finding in &outcome.findings {
        writer.write_record(row(finding)).expect("a row as long as the header");
    }
    let bytes = writer.into_inner().expect("memory is flushed");
    String::from_utf8(bytes).expect("cells are text")
}

fn row(finding: &Finding) -> [String; HEADER.len()] {
    let text = |text: &Option<String>| text.as_deref().map(escape).unwrap_or_default();
    let since = finding.predicted.as_ref().map(|predicted| predicted.since);
    let cause = finding.causes.first();
    [
        text(&finding.access_key_id),
        text(&finding.user_name),
        text(&finding.account),
        escape(&finding.source),
        finding.origins.recorded.to_string(),
        finding.origins.reported.to_string(),
        finding.origins.predicted.to_string(),
        list(finding.codes.keys()),
        time(finding.first_seen),
        time(finding.last_seen),
        time(since),
        time(finding.resolved.as_ref().map(|resolved| resolved.time)),
        list(finding.clients.iter().map(|client| &client.label)),
        list(&finding.principals),
        list(finding.regions.keys()),
        list(finding.event_sources.keys()),
        cause.map(|cause| cause.id.to_owned()).unwrap_or_default(),
        cause.map(|cause| cause.confidence.name().to_owned()).unwrap_or_default(),
        list(&finding.sample_event_ids),
    ]
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    items.into_iter().map(|item| escape(item)).collect::<Vec<_>>().join("; ")
}

/// A text that no spreadsheet takes for a formula and that stays on its line.
///
/// White space before a formula does not disarm it, and some spreadsheets take the wide forms of
/// the signs, too (<https://owasp.org/www-community/attacks/CSV_Injection>).
pub(super) fn escape(text: &str) -> String {
    const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let bare = text.trim_start_matches(|c: char| c.is_whitespace() || super::deceives(c));
    let formula = text.starts_with(['\t', '\r', '\n']) || bare.starts_with(SIGNS);
    let apostrophe = if formula { "'" } else { "" };
    format!("{apostrophe}{}", visible(text))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::render::fixture;

    #[test]
    fn formulas_get_an_apostrophe() {
        for text in ["=1", "+1", "-1", "@a", " =1", "\t1", "\r1", "\u{200b}=1", "＝1", "\n \t@x"] {
            assert!(escape(text).starts_with('\''), "{text:?}");
        }
        for text in ["a=1", "192.0.2.1", "'=1", "", "2001:db8::1", "1-2"] {
            assert_eq!(escape(text), text);
        }
        assert_eq!(escape("a\r\nb\u{202e}"), r"a\u{d}\u{a}b\u{202e}");
    }

    #[test]
    fn one_line_per_finding() {
        assert_snapshot!(render(&fixture::story()), @"
        access_key_id,user_name,account,source,recorded,reported,predicted,codes,first_seen,last_seen,expected_since,resolved,clients,principals,regions,event_sources,cause,confidence,sample_event_ids
        AKIADEPLOYCI1EXAMPLE,deploy-ci,111122223333,203.0.113.4,0,2,1,InvalidClientTokenId,2026-07-10T12:35:40Z,2026-07-10T12:35:40Z,2026-07-10T12:28:24Z,,Terraform 1.9.5 (provider 5.67.0),arn:aws:iam::111122223333:user/deploy-ci,us-east-1,sts.amazonaws.com,key-deactivated,high,terraform.log:1; terraform.log:2; use-1; use-2; use-3
        ASIAFEDERATE1EXAMPLE,,111122223333,2001:db8:85a3::8a2e:370:7334,3,0,0,InvalidClientTokenId,2026-07-10T12:31:00Z,2026-07-10T12:33:00Z,,,AWS CLI 2.17.32,arn:aws:iam::111122223333:user/build,us-east-1,sts.amazonaws.com,session-token-missing,medium,rec-1; rec-2; rec-3
        AKIADEPLOYCI1EXAMPLE,deploy-ci,111122223333,198.51.100.7,0,0,1,,,,2026-07-10T12:28:24Z,,AWS CLI 2.17.32,arn:aws:iam::111122223333:user/deploy-ci,,,key-deactivated,high,mint-1; cli-1
        AKIAREPORT001EXAMPLE,report,111122223333,192.0.2.44,0,0,1,,,,2026-07-10T11:00:00Z,2026-07-10T11:40:00Z,AWS CLI 2.17.32,arn:aws:iam::111122223333:user/report,,,key-deactivated,high,rep-1
        ");
        assert_snapshot!(render(&fixture::nothing_read()), @"access_key_id,user_name,account,source,recorded,reported,predicted,codes,first_seen,last_seen,expected_since,resolved,clients,principals,regions,event_sources,cause,confidence,sample_event_ids");
    }

    #[test]
    fn hostile_cells_read_back_as_one_cell_each() {
        let outcome = fixture::hostile();
        let text = render(&outcome);
        assert_eq!(text.lines().count(), outcome.findings.len() + 1);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.unwrap();
            assert_eq!(record.len(), HEADER.len());
            assert!(record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
        }
    }
}
