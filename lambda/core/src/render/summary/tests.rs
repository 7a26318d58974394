//! The media: what they look like, that they hold their limits, and that hostile text stays text.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use unicode_width::UnicodeWidthStr;

use super::widget::{Theme, WidgetContext};
use super::*;
use crate::summary::tests::{material, summary};

fn options(width: usize) -> Options {
    Options { width, colour: false, unmask: false, now: material::now() }
}

fn context(theme: Theme) -> WidgetContext {
    WidgetContext {
        theme,
        width: 600,
        height: 400,
        endpoint: Some("arn:aws:lambda:us-east-1:111122223333:function:summary".to_owned()),
        unmask: false,
        now: material::now(),
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    material::NAMES.into_iter().filter(|name| *name != "busy")
}

/// Every medium of a summary, by name.
fn media(summary: &Summary) -> Vec<(&'static str, String)> {
    vec![
        ("terminal", terminal::terminal(summary, &options(80))),
        ("markdown", markdown::markdown(summary, &options(80))),
        ("html", html::html(summary, &options(80))),
        ("widget", widget::widget(summary, &context(Theme::Dark))),
        ("digest", digest::digest(summary, &options(80)).text),
        ("csv", csv::csv(summary)),
    ]
}

#[test]
fn on_a_terminal() {
    assert_snapshot!("story-80", terminal::terminal(&summary("story"), &options(80)));
    assert_snapshot!("story-160", terminal::terminal(&summary("story"), &options(160)));
    assert_snapshot!("holes-80", terminal::terminal(&summary("holes"), &options(80)));
    assert_snapshot!("empty-80", terminal::terminal(&summary("empty"), &options(80)));
    assert_snapshot!("nothing-80", terminal::terminal(&summary("nothing"), &options(80)));
}

#[test]
fn as_markdown_csv_and_digest() {
    let story = summary("story");
    assert_snapshot!("story-markdown", markdown::markdown(&story, &options(80)));
    assert_snapshot!("story-csv", csv::csv(&story));
    let digest = digest::digest(&story, &options(80));
    assert_snapshot!("story-digest", format!("{}\n\n{}", digest.subject, digest.text));
}

#[test]
fn lines_of_a_terminal_are_as_wide_as_it_is() {
    for name in names() {
        for width in [40, 64, 80, 100, 160] {
            let text = terminal::terminal(&summary(name), &options(width));
            for line in text.lines().filter(|line| !line.starts_with("        ")) {
                assert!(line.width() <= width, "{name} at {width}: {line}");
            }
        }
    }
}

#[test]
fn a_long_summary_stays_short() {
    let window = crate::summary::Window::last(chrono::TimeDelta::hours(24), material::now());
    let busy = crate::summary::build(window, material::busy(2_000), material::now());
    for (medium, text) in media(&busy) {
        if medium != "csv" {
            assert!(text.len() < 400_000, "{medium}: {}", text.len());
            let told = ["more", "2,000"].iter().any(|word| text.contains(word));
            assert!(told, "{medium} does not say that there is more");
        }
    }
    assert_eq!(csv::csv(&busy).lines().count(), 2_001);
}

#[test]
fn nothing_deceives_and_markup_is_text() {
    let hostile = summary("hostile");
    for (medium, text) in media(&hostile) {
        assert!(
            text.chars().all(|c| c == '\n' || !crate::render::deceives(c)),
            "{medium} has characters that deceive"
        );
    }
    for page in
        [html::html(&hostile, &options(80)), widget::widget(&hostile, &context(Theme::Light))]
    {
        let tags: BTreeSet<String> = page
            .split('<')
            .skip(1)
            .map(|rest| {
                rest.trim_start_matches('/').chars().take_while(|c| c.is_alphanumeric()).collect()
            })
            .collect();
        for tag in ["script", "img", "iframe", "object", "embed", "form", "use"] {
            assert!(!tags.contains(tag), "{tag}");
        }
        // No attribute of ours begins with "on", and quotation marks of others are escaped.
        for tag in page.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap_or("");
            let attributes = tag.split('"').step_by(2).collect::<String>();
            assert!(!attributes.contains(" on"), "{tag}");
        }
    }
    assert!(html::html(&hostile, &options(80)).contains("漢字"));
    let widget = widget::widget(&hostile, &context(Theme::Light));
    assert_eq!(
        widget.matches("<cwdb-action ").count(),
        widget.matches("</cwdb-action>").count(),
        "an action ends where it began"
    );
}

#[test]
fn escaping_for_html_covers_elements_and_attributes() {
    assert_eq!(
        html::escape("<a href=\"x\" b='c'>&amp;`\u{202e}"),
        r"&lt;a href=&quot;x&quot; b=&#39;c&#39;&gt;&amp;amp;&#96;\u{202e}"
    );
}

#[test]
fn access_key_ids_are_masked_for_people_unless_they_ask() {
    let story = summary("story");
    for (medium, text) in media(&story) {
        let shown = text.contains("AKIADEPLOYOLDEXAMPLE");
        // A click on the widget must carry the ID, and programs need it.
        assert_eq!(shown, matches!(medium, "csv" | "widget"), "{medium}");
    }
    let whole = Options { unmask: true, ..options(80) };
    assert!(html::html(&story, &whole).contains("AKIADEPLOYOLDEXAMPLE"));
    assert!(terminal::terminal(&story, &whole).contains("AKIADEPLOYOLDEXAMPLE"));
}

#[test]
fn no_data_never_reads_as_no_failures() {
    for (medium, text) in media(&summary("nothing")) {
        if medium != "csv" {
            assert!(text.contains("nothing was read"), "{medium}");
            assert!(!text.contains("No failures in what was read"), "{medium}");
        }
    }
    for (medium, text) in media(&summary("empty")) {
        if medium != "csv" {
            assert!(text.contains("No failures in what was read"), "{medium}");
        }
    }
}

#[test]
fn a_digest_has_a_subject_that_sns_takes() {
    for name in names() {
        let digest = digest::digest(&summary(name), &options(80));
        assert!(digest.subject.len() <= 99 && digest.subject.is_ascii());
        assert!(!digest.subject.contains('\n') && digest.text.len() < 100_000);
    }
}

#[test]
fn every_id_of_a_page_is_there_once() {
    for name in names() {
        let page = html::html(&summary(name), &options(80));
        let ids: Vec<&str> =
            page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or("")).collect();
        let unique: BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{name}");
    }
}
