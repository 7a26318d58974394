//! Group 6, CI: secrets that a job does not get, keys that it should not need, and OIDC.

use failure_monitor_core::access_key::{self, KeyKind};
use failure_monitor_core::cause::Confidence::{High, Low, Medium};
use serde_json::Value as Json;

use super::chain::environment_keys;
use super::check::Check;
use super::machine::{Document, Machine};

const GITHUB: &str = "\
permissions:
  id-token: write
  contents: read
steps:
  - uses: aws-actions/configure-aws-credentials@v4
    with:
      role-to-assume: arn:aws:iam::ACCOUNT:role/ROLE
      aws-region: REGION";

const GITLAB: &str = "\
job:
  id_tokens:
    AWS_TOKEN:
      aud: https://gitlab.com
  variables:
    AWS_ROLE_ARN: arn:aws:iam::ACCOUNT:role/ROLE
    AWS_WEB_IDENTITY_TOKEN_FILE: $CI_PROJECT_DIR.token
  before_script:
    - printf %s \"$AWS_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"";

pub(super) fn checks(machine: &Machine) -> [Check; 3] {
    [ci_keys(machine), fork(machine), oidc(machine)]
}

/// The CI system that this runs in.
pub(super) fn system(machine: &Machine) -> Option<&'static str> {
    const SYSTEMS: [(&str, &str); 8] = [
        ("GITHUB_ACTIONS", "GitHub Actions"),
        ("GITLAB_CI", "GitLab CI"),
        ("JENKINS_URL", "Jenkins"),
        ("CIRCLECI", "CircleCI"),
        ("CODEBUILD_BUILD_ID", "AWS CodeBuild"),
        ("BITBUCKET_BUILD_NUMBER", "Bitbucket Pipelines"),
        ("BUILDKITE", "Buildkite"),
        ("CI", "a CI system"),
    ];
    SYSTEMS.iter().find(|(name, _)| machine.variables.has(name)).map(|(_, system)| *system)
}

fn ci_keys(machine: &Machine) -> Check {
    const ID: &str = "ci-secrets";
    let Some(system) = system(machine) else {
        return Check::not_applicable(ID, "not in a CI job");
    };
    let keys = environment_keys(machine);
    let broken = keys.id.as_deref().and_then(access_key::malformed);
    if let Some(problem) = broken {
        return Check::failed(ID, format!("{system}: the access key ID {}", problem.describe()))
            .advice("Compare the name of the secret with the one that the job asks for")
            .points_to("ci-secret", Medium);
    }
    if keys.complete() && keys.id.as_deref().and_then(access_key::kind) == Some(KeyKind::LongTerm) {
        let check = Check::warning(
            ID,
            format!(
                "{system}: a long-term key is kept as a secret; it outlives rotation unnoticed"
            ),
        );
        return match system {
            "GitHub Actions" => check.snippet("Better, use OIDC and keep no key there", GITHUB),
            "GitLab CI" => check.snippet("Better, use OIDC and keep no key there", GITLAB),
            _ => check.advice("Better, use OIDC and keep no key there"),
        };
    }
    Check::ok(ID, format!("{system}: no long-term key in the environment"))
}

/// A job for a fork gets no secrets, by design.
fn fork(machine: &Machine) -> Check {
    const ID: &str = "fork";
    let variables = &machine.variables;
    if system(machine) == Some("GitHub Actions") {
        let event = variables.filled("GITHUB_EVENT_NAME").unwrap_or_default();
        let head =
            machine.github_event.as_ref().map(|event| &event["pull_request"]["head"]["repo"]);
        let is_fork = head.is_some_and(|repo| repo["fork"] == Json::Bool(true));
        return match (event, is_fork) {
            ("pull_request", true) => Check::failed(
                ID,
                "this job is for a pull request from a fork, which gets no secrets and no OIDC token",
            )
            .advice("Run what needs AWS after the merge, or in a workflow_run job")
            .points_to("ci-secret", High),
            _ => Check::ok(ID, "this job is not for a fork"),
        };
    }
    if system(machine) == Some("GitLab CI") {
        let protected = variables.filled("CI_COMMIT_REF_PROTECTED");
        if protected == Some("false") && !environment_keys(machine).complete() {
            return Check::warning(
                ID,
                "this branch is not protected, and protected variables are not given to it",
            )
            .fix("See which variables are protected", "glab variable list")
            .points_to("ci-secret", Medium);
        }
        return Check::ok(ID, "nothing keeps variables from this branch");
    }
    Check::not_applicable(ID, "neither GitHub Actions nor GitLab CI")
}

/// OIDC as the workflow files and this job set it up.
fn oidc(machine: &Machine) -> Check {
    const ID: &str = "oidc";
    let variables = &machine.variables;
    if system(machine) == Some("CircleCI") && !variables.has("CIRCLE_OIDC_TOKEN_V2") {
        return Check::warning(ID, "CircleCI gives OIDC tokens only to jobs that use a context")
            .advice("Give the job a context, even an empty one");
    }
    for Document { file, content } in &machine.workflows {
        let json = match content {
            Ok(json) => json,
            Err(why) => return Check::warning(ID, format!("{file} {why}")),
        };
        if file == ".gitlab-ci.yml" {
            let text = json.to_string();
            if text.contains("CI_JOB_JWT") {
                return Check::failed(
                    ID,
                    format!("{file} uses CI_JOB_JWT, which GitLab took away in version 17"),
                )
                .snippet("Ask for a token by name", GITLAB)
                .points_to("oidc-token-rejected", Medium);
            }
            if text.contains("assume-role-with-web-identity") && !text.contains("id_tokens") {
                return Check::warning(
                    ID,
                    format!("{file} assumes a role by OIDC, and asks for no token"),
                )
                .snippet("Ask for a token by name", GITLAB)
                .points_to("oidc-token-rejected", Low);
            }
            continue;
        }
        for (name, job) in json["jobs"].as_object().into_iter().flatten() {
            let steps = job["steps"].as_array().into_iter().flatten();
            let by_oidc = steps.filter(|step| {
                let uses = step["uses"].as_str().unwrap_or_default();
                uses.starts_with("aws-actions/configure-aws-credentials")
                    && step["with"]["role-to-assume"].is_string()
                    && !step["with"]["aws-access-key-id"].is_string()
            });
            if by_oidc.count() == 0 {
                continue;
            }
            let may = |permissions: &Json| {
                permissions == "write-all" || permissions["id-token"] == "write"
            };
            let own = &job["permissions"];
            if !(if own.is_null() { may(&json["permissions"]) } else { may(own) }) {
                return Check::failed(
                    ID,
                    format!(
                        "{file}: job {name} assumes a role by OIDC and may not ask for a token"
                    ),
                )
                .snippet("Let it", "permissions:\n  id-token: write\n  contents: read")
                .points_to("oidc-token-rejected", Medium);
            }
        }
    }
    let asks =
        system(machine) == Some("GitHub Actions") && variables.has("ACTIONS_ID_TOKEN_REQUEST_URL");
    match (machine.workflows.as_slice(), asks) {
        (_, true) => Check::ok(ID, "this job may ask for an OIDC token"),
        ([], false) => Check::not_applicable(ID, "no workflow files in this directory"),
        _ => Check::ok(ID, format!("workflow files read: {}", machine.workflows.len())),
    }
}
