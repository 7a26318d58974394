//! Group 6, containers: where this runs, and what it was not given. CI is in [`ci`](super::ci).

use failure_monitor_core::access_key::{self, KeyKind};
use failure_monitor_core::cause::Confidence::{High, Low, Medium};
use serde_json::Value as Json;

use super::chain::environment_keys;
use super::check::{Check, listed};
use super::ci;
use super::machine::{Document, FileState, Machine, Metadata};

/// What STS expects as the audience of a token, unless the provider in IAM says otherwise.
const AUDIENCE: &str = "sts.amazonaws.com";

pub(super) fn checks(machine: &Machine) -> Vec<Check> {
    let mut checks = vec![place(machine), passed(machine), compose(machine)];
    checks.extend([web_identity(machine), container_credentials(machine), metadata(machine)]);
    checks.extend(ci::checks(machine));
    checks
}

/// The service of AWS that this runs in.
fn service(machine: &Machine) -> Option<&'static str> {
    let has = |name: &str| machine.variables.has(name);
    if has("AWS_LAMBDA_FUNCTION_NAME") {
        Some("Lambda")
    } else if has("ECS_CONTAINER_METADATA_URI_V4") || has("ECS_CONTAINER_METADATA_URI") {
        Some("ECS")
    } else if has("KUBERNETES_SERVICE_HOST") {
        let eks =
            has("AWS_WEB_IDENTITY_TOKEN_FILE") || has("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        Some(if eks { "EKS" } else { "Kubernetes" })
    } else {
        None
    }
}

fn place(machine: &Machine) -> Check {
    let all: Vec<&str> =
        [service(machine), ci::system(machine), machine.container].into_iter().flatten().collect();
    match all.as_slice() {
        [] => Check::not_applicable("place", "neither a container nor a CI job"),
        all => Check::ok("place", format!("this runs in {}", listed(all))),
    }
}

/// Whether a container was given what a host would have.
fn passed(machine: &Machine) -> Check {
    const ID: &str = "passed-to-container";
    let keys = environment_keys(machine);
    let Some(place) = service(machine).or(machine.container) else {
        return Check::not_applicable(ID, "not in a container");
    };
    let temporary = keys.id.as_deref().and_then(access_key::kind) == Some(KeyKind::Temporary);
    let run = "docker run -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY -e AWS_SESSION_TOKEN IMAGE";
    if temporary && keys.token.is_none() {
        return Check::failed(
            ID,
            format!("{place}: key ID and secret were passed in, AWS_SESSION_TOKEN was not"),
        )
        .fix("Pass all three by name", run)
        .points_to("session-token-missing", High);
    }
    let role = match place {
        "ECS" => Some("the task role"),
        "EKS" => Some("the role of the service account"),
        "Lambda" => Some("the role of the function"),
        _ => None,
    };
    if let Some(role) = role
        && keys.complete()
        && !temporary
    {
        return Check::warning(
            ID,
            format!("{place}: a long-term key in the environment hides {role}"),
        )
        .advice("Take the key out of the task, pod or function, so that the role acts")
        .points_to("container-environment", Medium);
    }
    let other = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    let from_file = !machine.profiles().is_empty();
    if !keys.complete() && !from_file && !other.iter().any(|name| machine.variables.has(name)) {
        return Check::warning(
            ID,
            format!("{place}: no credentials were passed in, and no role is offered"),
        )
        .fix("Docker passes no variable by itself: name them", run)
        .points_to("container-environment", Low);
    }
    Check::ok(ID, format!("{place}: credentials were passed in"))
}

/// Services of compose files that get a part of the credentials.
fn compose(machine: &Machine) -> Check {
    const ID: &str = "compose";
    if machine.compose.is_empty() {
        return Check::not_applicable(ID, "no compose file in this directory");
    }
    let id = machine.variables.filled("AWS_ACCESS_KEY_ID");
    let temporary = id.and_then(access_key::kind) == Some(KeyKind::Temporary);
    let mut any = false;
    for Document { file, content } in &machine.compose {
        let json = match content {
            Ok(json) => json,
            Err(why) => return Check::warning(ID, format!("{file} {why}")),
        };
        for (service, settings) in json["services"].as_object().into_iter().flatten() {
            let names = environment_names(&settings["environment"]);
            let has = |name: &str| names.iter().any(|(known, _)| known == name);
            if !has("AWS_ACCESS_KEY_ID") {
                continue;
            }
            any = true;
            if has("AWS_SECRET_ACCESS_KEY") && !has("AWS_SESSION_TOKEN") {
                let found = format!(
                    "{file}: service {service} gets key ID and secret, and no AWS_SESSION_TOKEN{}",
                    if temporary { "; the key here is a temporary one (ASIA)" } else { "" }
                );
                let check =
                    if temporary { Check::failed(ID, found) } else { Check::warning(ID, found) };
                return check
                    .snippet(
                        "Pass all three by name, without values",
                        "environment:\n  - AWS_ACCESS_KEY_ID\n  - AWS_SECRET_ACCESS_KEY\n  - \
                         AWS_SESSION_TOKEN",
                    )
                    .points_to("container-environment", if temporary { High } else { Low });
            }
            for (name, value) in &names {
                let written =
                    value.as_deref().filter(|value| !value.is_empty() && !value.contains('$'));
                if name == "AWS_ACCESS_KEY_ID" && written.is_some() {
                    return Check::warning(
                        ID,
                        format!("{file}: service {service} has a key written into it"),
                    )
                    .advice(
                        "Name the variable without a value, so that the one of the host is taken",
                    )
                    .points_to("stale-credentials", Low);
                }
                let from = value.as_deref().and_then(referred);
                if let Some(from) =
                    from.filter(|from| name.starts_with("AWS_") && !machine.variables.has(from))
                    && (from.starts_with("AWS_") || from.starts_with("TF_"))
                {
                    return Check::warning(
                        ID,
                        format!("{file}: {name} of service {service} is taken from {from}, which is not set here"),
                    )
                    .fix("See what compose fills in, by name", "docker compose config --variables")
                    .points_to("container-environment", Low);
                }
            }
        }
    }
    if any {
        Check::ok(ID, "compose passes key ID, secret and token")
    } else {
        Check::ok(ID, "no service in compose files is given AWS keys")
    }
}

/// `environment:` as a list or a map.
fn environment_names(environment: &Json) -> Vec<(String, Option<String>)> {
    match environment {
        Json::Array(all) => all
            .iter()
            .filter_map(Json::as_str)
            .map(|entry| match entry.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (entry.to_owned(), None),
            })
            .collect(),
        Json::Object(all) => all
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned)))
            .collect(),
        _ => Vec::new(),
    }
}

/// The variable in `${NAME}`, `${NAME:?text}` or `$NAME`; none where there is a default.
fn referred(value: &str) -> Option<&str> {
    let name = value.strip_prefix('$')?;
    let name = match name.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}')?,
        None => name,
    };
    let name = name.split([':', '?']).next()?;
    (!value.contains(":-") && !name.is_empty()).then_some(name)
}

fn web_identity(machine: &Machine) -> Check {
    const ID: &str = "web-identity";
    let Some(token) = &machine.web_identity else {
        return Check::not_applicable(ID, "no web identity token file is named");
    };
    let path = &token.path;
    let bad = |found: String| Check::failed(ID, found).points_to("oidc-token-rejected", Medium);
    match &token.state {
        FileState::Absent => {
            return bad(format!("AWS_WEB_IDENTITY_TOKEN_FILE names {path}, which is not there"))
                .advice(
                    "On EKS, see that the pod has the service account and was started after it \
                         got its role; in CI, write the token before the first call",
                );
        }
        FileState::Unreadable(why) => {
            return bad(format!(
                "AWS_WEB_IDENTITY_TOKEN_FILE names {path}, which cannot be read: {why}"
            ))
            .advice(
                "On EKS, set fsGroup in the pod's securityContext, for a program that is not root",
            );
        }
        FileState::Read => {}
    }
    let Some(claims) = &token.claims else {
        return bad(format!("{path} holds no JSON Web Token"))
            .advice("Write the token into it, and nothing else");
    };
    let role = machine.variables.filled("AWS_ROLE_ARN");
    let Some(role) = role else {
        return bad("AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN".to_owned())
            .fix("Name the role", "export AWS_ROLE_ARN=arn:aws:iam::ACCOUNT:role/ROLE");
    };
    if !(role.starts_with("arn:aws") && role.contains(":role/")) {
        return bad("AWS_ROLE_ARN is not the ARN of a role".to_owned())
            .fix("Name the role", "export AWS_ROLE_ARN=arn:aws:iam::ACCOUNT:role/ROLE");
    }
    if let Some(at) = claims.expires.filter(|at| *at <= machine.now) {
        let ago = failure_monitor_core::render::duration(machine.now - at);
        return bad(format!("the token in {path} expired {ago} ago"))
            .advice("Fetch a new one right before use: tokens of CI systems live for minutes")
            .points_to("oidc-token-rejected", High);
    }
    let issuer = claims.issuer.as_deref().unwrap_or("an issuer without a name");
    let for_sts = claims.audiences.iter().any(|audience| audience == AUDIENCE);
    // GitLab's own address is as good, where the provider in IAM names it.
    let of_issuer =
        claims.audiences.iter().any(|audience| Some(audience) == claims.issuer.as_ref());
    if !for_sts && !of_issuer {
        let audiences = match claims.audiences.as_slice() {
            [] => "no audience".to_owned(),
            all => format!("the audience {}", listed(all)),
        };
        return Check::warning(
            ID,
            format!("the token of {issuer} has {audiences}; the provider in IAM has to list it"),
        )
        .fix(
            "See the audiences that IAM accepts",
            "aws iam get-open-id-connect-provider --open-id-connect-provider-arn ARN --query ClientIDList",
        )
        .points_to("oidc-token-rejected", Low);
    }
    Check::ok(ID, format!("a token of {issuer} that has not expired"))
}

fn container_credentials(machine: &Machine) -> Check {
    const ID: &str = "container-credentials";
    let variables = &machine.variables;
    let names = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let Some(name) = names.into_iter().find(|name| variables.has(name)) else {
        if service(machine) == Some("ECS") {
            return Check::warning(
                ID,
                "ECS offers no credentials: the task definition has no task role",
            )
            .fix(
                "See it",
                "aws ecs describe-task-definition --task-definition NAME --query \
                     taskDefinition.taskRoleArn",
            )
            .points_to("container-environment", Low);
        }
        return Check::not_applicable(ID, "no container credentials are offered");
    };
    Check::ok(ID, format!("container credentials are offered ({name})"))
}

fn metadata(machine: &Machine) -> Check {
    const ID: &str = "instance-metadata";
    match machine.live.as_ref().and_then(|live| live.metadata.as_ref()) {
        None => Check::not_applicable(ID, "instance metadata was not asked"),
        Some(Metadata::Role(role)) => {
            Check::ok(ID, format!("instance metadata offers role {role}"))
        }
        Some(Metadata::NoRole) => {
            Check::warning(ID, "instance metadata answers, and the instance has no role")
                .advice("Give the instance an instance profile")
        }
        Some(Metadata::Absent) => Check::not_applicable(ID, "there is no instance metadata here"),
        Some(Metadata::Silent) => Check::failed(
            ID,
            "instance metadata takes the call and does not answer: from inside a container this is \
             the hop limit of 1",
        )
        .fix(
            "Allow one hop more",
            "aws ec2 modify-instance-metadata-options --instance-id INSTANCE \
             --http-put-response-hop-limit 2",
        )
        .points_to("container-environment", Medium),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;

    #[test]
    fn a_container_is_judged_by_what_it_was_given() {
        let id = ("AWS_ACCESS_KEY_ID", "ASIADEPLOYCI1EXAMPLE");
        let secret = ("AWS_SECRET_ACCESS_KEY", "abcdefghijABCDEFGHIJ0123456789/+abcdEFGH");
        let token = ("AWS_SESSION_TOKEN", "token");
        let judged = |container, variables: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let variables = variables.iter().map(own).collect();
            passed(&Machine { container, variables, ..Machine::default() })
        };
        for place in ["Docker", "Podman", "a container"] {
            let nothing = judged(Some(place), &[]);
            assert_eq!(nothing.status, Status::Warning);
            assert!(nothing.found.starts_with(place), "{}", nothing.found);
            let partly = judged(Some(place), &[id, secret]);
            assert_eq!(partly.status, Status::Failed);
            assert!(partly.found.contains("AWS_SESSION_TOKEN was not"), "{}", partly.found);
            assert_eq!(judged(Some(place), &[id, secret, token]).status, Status::Ok);
        }
        assert_eq!(judged(None, &[]).status, Status::NotApplicable);
    }
}
