//! A CI job holds a secret that is wrong, old or not passed to it.

use crate::access_key;
use crate::cause::{Cause, Confidence, Evidence, Match, Situation};
use crate::client::{Client, Runtime, Tool};
use crate::failure::Family;

pub(super) const CAUSE: Cause = Cause {
    id: "ci-secret",
    title: "A CI job has a wrong, old or missing secret",
    explanation: "The calls come from a CI job, and its keys from secrets that somebody once \
                  typed in. A name with a typing error, a secret of another environment, a pull \
                  request from a fork, or a reusable workflow without `secrets: inherit` gives an \
                  empty value; a rotated key leaves the old one behind.",
    not: "It does not mean that the pipeline's permissions are too narrow. And a secret that shows as \
          *** in the log may still be the wrong one: the mask hides any value.",
    next_steps: &[
        "See what the job has, without values: env | grep -o '^AWS_[A-Z_]*'; aws configure list",
        "GitHub: see which secrets exist, and compare the names: gh secret list; gh secret list --env ENVIRONMENT",
        "GitLab: see whether the variable is protected or bound to an environment, so that this branch does not get it: glab variable list",
        "GitHub: better, use OIDC and keep no key there: aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com",
        "GitHub: let a role trust this provider where token.actions.githubusercontent.com:aud is sts.amazonaws.com and token.actions.githubusercontent.com:sub is repo:OWNER/REPOSITORY:ref:refs/heads/main",
        "GitHub: give the job `permissions: { id-token: write, contents: read }`, and aws-actions/configure-aws-credentials the role-to-assume arn:aws:iam::{account}:role/ROLE and the aws-region {region}",
        "GitLab: better, use OIDC and keep no key there: aws iam create-open-id-connect-provider --url https://gitlab.com --client-id-list https://gitlab.com",
        "GitLab: let a role trust this provider where gitlab.com:sub is project_path:GROUP/PROJECT:ref_type:branch:ref:main",
        "GitLab: give the job `id_tokens: { AWS_TOKEN: { aud: https://gitlab.com } }`, and have it assume the role: printf %s \"$AWS_TOKEN\" > /tmp/token; export AWS_WEB_IDENTITY_TOKEN_FILE=/tmp/token AWS_ROLE_ARN=arn:aws:iam::{account}:role/ROLE",
    ],
    false_positives: &["A job for a pull request from a fork, which gets no secrets by design"],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let blank = [Family::MissingAuthentication, Family::MalformedAuthorization];
    let blank = blank.into_iter().find_map(|family| group.families.get(&family));
    let refused =
        blank.is_some() || group.has(Family::UnknownCredentials) || group.has(Family::Signature);
    let clients = group.clients.values().map(|(client, tally)| (client, tally.event_ids()));
    let left = situation.left_behind.into_iter().flat_map(|left| &left.callers);
    let left = left.map(|caller| (&caller.parsed, caller.event_ids.clone()));

    let mut evidence = Vec::new();
    for (client, event_ids) in clients.filter(|_| refused).chain(left) {
        let Some(system) = of_client(client) else { continue };
        let mut fact = format!("{} says that it runs in {system}", client.label());
        if let Some(run) = &client.ci_run {
            fact += &format!(", run {run}");
        }
        evidence.push(Evidence::new(fact, event_ids));
    }
    if evidence.is_empty() && refused && group.origins.reported > 0 {
        let log = &group.key.source;
        let fact = match of_name(log) {
            Some(system) => format!("The refusals are in a log of {system}: {log}"),
            None => {
                let system = group.messages.keys().find_map(|message| of_text(message))?;
                format!("The text of the refusals is from {system}")
            }
        };
        evidence.push(Evidence::new(fact, group.all.event_ids()));
    }
    if evidence.is_empty() {
        return None;
    }
    let mut confidence = Confidence::Low;
    if let Some(problem) = group.key.access_key_id.as_deref().and_then(access_key::malformed) {
        let fact = format!("The access key ID {}", problem.describe());
        evidence.push(Evidence::new(fact, group.all.event_ids()));
        confidence = Confidence::Medium;
    } else if let Some(tally) = blank.filter(|_| group.key.access_key_id.is_none()) {
        let fact = "The requests carried no access key ID that AWS could read";
        evidence.push(Evidence::new(fact, tally.event_ids()));
        confidence = Confidence::Medium;
    }
    Some(Match { confidence, evidence, next_steps: Vec::new() })
}

fn of_client(client: &Client) -> Option<&'static str> {
    if client.tool == Tool::GithubActionsCredentials
        || client.runtime == Some(Runtime::GithubActions)
    {
        return Some("GitHub Actions");
    }
    let runtime = match &client.runtime {
        Some(Runtime::Other(name)) => Some(name.as_str()),
        _ => None,
    };
    let names =
        [client.ci_run.as_deref(), client.application.as_deref(), client.name.as_deref(), runtime];
    names.into_iter().flatten().find_map(of_name)
}

/// The CI system that a name given by its owner (a run, an application, a log) points to.
fn of_name(name: &str) -> Option<&'static str> {
    const SYSTEMS: [(&str, &str); 11] = [
        ("atlantis", "Atlantis"),
        ("azure-pipelines", "Azure Pipelines"),
        ("bitbucket", "Bitbucket Pipelines"),
        ("buildkite", "Buildkite"),
        ("circleci", "CircleCI"),
        ("codebuild", "AWS CodeBuild"),
        ("configure-aws-credentials", "GitHub Actions"),
        ("github", "GitHub Actions"),
        ("gitlab", "GitLab CI"),
        ("jenkins", "Jenkins"),
        ("travis", "Travis CI"),
    ];
    let name = name.to_ascii_lowercase();
    SYSTEMS.iter().find(|(part, _)| name.contains(part)).map(|(_, system)| *system)
}

/// The CI system whose marks are in a log; stricter than a name, because logs hold links.
fn of_text(text: &str) -> Option<&'static str> {
    const MARKS: [(&str, &str); 3] = [
        ("/home/runner/work/", "GitHub Actions"),
        ("##[error]", "GitHub Actions"),
        ("CI_JOB_", "GitLab CI"),
    ];
    MARKS.iter().find(|(mark, _)| text.contains(mark)).map(|(_, system)| *system)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client;

    #[test]
    fn a_link_in_a_log_is_no_mark() {
        assert_eq!(of_text("see https://github.com/hashicorp/terraform-provider-aws"), None);
        assert_eq!(of_text("/home/runner/work/app/app/main.tf"), Some("GitHub Actions"));
        assert_eq!(of_name("jenkins/deploy/41"), Some("Jenkins"));
        assert_eq!(of_name("terraform.log"), None);
    }

    #[test]
    fn knows_the_github_action_however_it_is_named() {
        for agent in ["configure-aws-credentials", "aws-sdk-js/3.699.0 exec-env/GitHubActions"] {
            assert_eq!(of_client(&client::parse(agent)), Some("GitHub Actions"), "{agent}");
        }
    }
}
