//! A container does not get the credentials it is meant to have.

use crate::access_key::{self, KeyKind};
use crate::cause::{Cause, Confidence, Evidence, Match, Situation};
use crate::client::{Client, CredentialSource, Runtime};
use crate::failure::Family;

pub(super) const CAUSE: Cause = Cause {
    id: "container-environment",
    title: "The container gets other credentials than it should",
    explanation: "A container sees only what is passed to it. Docker and compose pass no variable by \
                  themselves, and often AWS_SESSION_TOKEN is the one that is forgotten. On ECS and \
                  Lambda the role gives credentials, but keys in the environment, in code or in a \
                  file of the image come first and hide it; they stay as they were when the image \
                  or the task definition was made.",
    not: "It does not mean that the role of the task or function is broken: a client that finds static \
          keys never asks for it.",
    next_steps: &[
        "See inside the container which AWS variables it has, without values: env | grep -o '^AWS_[A-Z_]*'",
        "Docker: pass all three by name: docker run -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY -e AWS_SESSION_TOKEN IMAGE",
        "Compose: list the same three names under `environment:`, and see what it fills in: docker compose config",
        "ECS: look for keys in the task definition and take them out, so that the task role acts: aws ecs describe-task-definition --task-definition NAME --query 'taskDefinition.[taskRoleArn,containerDefinitions[].[environment[].name,secrets[].name]]'",
        "Lambda: look for keys in the function's variables and take them out, so that its role acts: aws lambda get-function-configuration --function-name NAME --query 'keys(Environment.Variables)'",
        "Look for keys in the image: docker run --rm --entrypoint sh IMAGE -c 'ls -la ~/.aws'",
    ],
    false_positives: &["A tool in a container that is meant to use a key of another account"],
    reference: "https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let refused =
        [Family::UnknownCredentials, Family::MissingAuthentication, Family::MalformedAuthorization];
    let refused = refused.into_iter().any(|family| group.has(family));
    let clients = group.clients.values().map(|(client, tally)| (client, tally.event_ids()));
    let left = situation.left_behind.into_iter().flat_map(|left| &left.callers);
    let left = left.map(|caller| (&caller.parsed, caller.event_ids.clone()));
    let id = group.key.access_key_id.as_deref();
    let long_term = id.and_then(access_key::kind) == Some(KeyKind::LongTerm);

    let mut evidence = Vec::new();
    let mut confidence = Confidence::Low;
    for (client, event_ids) in clients.filter(|_| refused).chain(left) {
        let Some(place) = place(client) else { continue };
        let mut fact = format!("{} says that it runs in {place}", client.label());
        if let Some(source) = client.credential_source {
            fact += &format!(" with credentials from {}", source.describe());
        }
        evidence.push(Evidence::new(fact, event_ids.clone()));
        // A role gives temporary keys through the platform; anything else was put there by hand.
        if long_term && refused && client.credential_source != Some(CredentialSource::Container) {
            let fact = "The key is a long-term one, which no role of a container gives";
            evidence.push(Evidence::new(fact, event_ids));
            confidence = Confidence::Medium;
        }
    }
    if evidence.is_empty() && refused && group.origins.reported > 0 {
        let log = group.key.source.to_ascii_lowercase();
        const LOGS: [&str; 7] =
            ["/ecs", "fargate", "docker", "/aws/lambda/", "[$latest]", "/aws/eks/", "kube"];
        LOGS.iter().find(|part| log.contains(**part))?;
        let fact = format!("The refusals are in the log of a container: {}", group.key.source);
        evidence.push(Evidence::new(fact, group.all.event_ids()));
    }
    (!evidence.is_empty()).then_some(Match { confidence, evidence, next_steps: Vec::new() })
}

/// The kind of container a client says it runs in.
fn place(client: &Client) -> Option<&'static str> {
    match &client.runtime {
        Some(Runtime::Lambda) => Some("a Lambda function"),
        Some(Runtime::Fargate) => Some("an ECS task on Fargate"),
        Some(Runtime::EcsOnEc2) => Some("an ECS task on EC2"),
        Some(Runtime::Other(name)) => {
            let name = name.to_ascii_lowercase();
            let marks = ["container", "docker", "ecs", "eks", "kube", "podman"];
            marks.iter().any(|mark| name.contains(mark)).then_some("a container")
        }
        // CloudShell and others use the endpoint without being anybody's container.
        Some(Runtime::CloudShell | Runtime::GithubActions) => None,
        None if client.credential_source == Some(CredentialSource::Container) => {
            Some("a container with a credential endpoint")
        }
        None => None,
    }
}
