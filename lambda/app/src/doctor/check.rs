//! One check: what was found, how bad it is, what to do, and which cause it points to.
//!
//! Knows the words of the report. Must not know the machine nor the media.

use failure_monitor_core::cause::Confidence;
use serde::Serialize;

/// A group of checks, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// What is set in the environment.
    Quick,
    /// Whether key IDs, secrets and tokens look like what AWS issues.
    Format,
    /// Which of several credentials win.
    Precedence,
    /// `~/.aws` and its caches.
    Profiles,
    /// What AWS answers.
    Live,
    /// Containers and CI.
    Surroundings,
    /// Versions of Terraform and its provider.
    Versions,
}

impl Group {
    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Group::Quick => "Quick checks",
            Group::Format => "Format",
            Group::Precedence => "Precedence",
            Group::Profiles => "Profiles and files",
            Group::Live => "Live",
            Group::Surroundings => "Containers and CI",
            Group::Versions => "Versions",
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// There was nothing to look at.
    NotApplicable,
    /// Nothing wrong.
    Ok,
    /// May be wrong, or will be.
    Warning,
    /// Wrong.
    Failed,
}

impl Status {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Status::NotApplicable => "not applicable",
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Failed => "failed",
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What to do, a sentence without a full stop.
    pub text: String,
    /// The exact command, where there is one.
    pub command: Option<String>,
    /// Lines to put into a file.
    pub snippet: Option<String>,
}

/// The cause that a check points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Suspicion {
    /// An ID of [`failure_monitor_core::causes`].
    pub id: &'static str,
    /// How sure.
    pub confidence: Confidence,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable, kebab-case.
    pub id: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was found, without secrets.
    pub found: String,
    /// What to do.
    pub fixes: Vec<Fix>,
    /// What it points to.
    pub cause: Option<Suspicion>,
}

impl Check {
    fn new(id: &'static str, status: Status, found: impl Into<String>) -> Check {
        Check { id, status, found: found.into(), fixes: Vec::new(), cause: None }
    }

    pub(super) fn ok(id: &'static str, found: impl Into<String>) -> Check {
        Check::new(id, Status::Ok, found)
    }

    pub(super) fn warning(id: &'static str, found: impl Into<String>) -> Check {
        Check::new(id, Status::Warning, found)
    }

    pub(super) fn failed(id: &'static str, found: impl Into<String>) -> Check {
        Check::new(id, Status::Failed, found)
    }

    pub(super) fn not_applicable(id: &'static str, found: impl Into<String>) -> Check {
        Check::new(id, Status::NotApplicable, found)
    }

    pub(super) fn advice(mut self, text: impl Into<String>) -> Check {
        self.fixes.push(Fix { text: text.into(), command: None, snippet: None });
        self
    }

    pub(super) fn fix(mut self, text: impl Into<String>, command: impl Into<String>) -> Check {
        self.fixes.push(Fix { text: text.into(), command: Some(command.into()), snippet: None });
        self
    }

    pub(super) fn snippet(mut self, text: impl Into<String>, lines: impl Into<String>) -> Check {
        self.fixes.push(Fix { text: text.into(), command: None, snippet: Some(lines.into()) });
        self
    }

    pub(super) fn points_to(mut self, id: &'static str, confidence: Confidence) -> Check {
        self.cause = Some(Suspicion { id, confidence });
        self
    }
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}
