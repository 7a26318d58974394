//! Which CI system or deployment program a log is from, by the marks that it puts between the lines.

use memchr::memmem;

/// The name under which a CI system appears in a user agent (`exec-env/…`); `None` where the log
/// has no mark of one. A link to a CI system is no mark.
pub(super) fn of_log(text: &str) -> Option<&'static str> {
    const MARKS: [(&str, &str); 9] = [
        ("##[group]", "GitHubActions"),
        ("##[error]", "GitHubActions"),
        ("::error::", "GitHubActions"),
        ("/home/runner/work/", "GitHubActions"),
        ("section_start:", "GitLab-CI"),
        ("CI_JOB_", "GitLab-CI"),
        ("[Pipeline] ", "Jenkins"),
        ("[Container] ", "CodeBuild"),
        ("##[section]", "Azure-Pipelines"),
    ];
    let place = |mark: &str| memmem::find(text.as_bytes(), mark.as_bytes());
    let found = MARKS.into_iter().filter_map(|(mark, system)| Some((place(mark)?, system)));
    found.min().map(|(_, system)| system)
}

/// The program whose log it is, where it runs other clients inside itself and prints their errors
/// as its own.
pub(super) fn program_of_log(text: &str) -> Option<&'static str> {
    const MARKS: [&str; 3] =
        ["pulumi:providers:aws", "pulumi:pulumi:Stack", "nable to validate AWS credentials."];
    let marked = MARKS.iter().any(|mark| memmem::find(text.as_bytes(), mark.as_bytes()).is_some());
    marked.then_some("Pulumi")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runners_mark_counts_and_a_link_does_not() {
        assert_eq!(of_log("##[group]Run terraform plan\nError: …"), Some("GitHubActions"));
        assert_eq!(of_log("section_start:1:step\r\u{1b}[0K"), Some("GitLab-CI"));
        assert_eq!(of_log("[Pipeline] sh"), Some("Jenkins"));
        assert_eq!(of_log("see https://github.com/hashicorp/terraform"), None);
    }
}
