//! An old copy of the credentials shadows the right ones: the same user has a key that works.

use crate::access_key::{self, KeyKind};
use crate::cause::{Cause, Confidence, Evidence, Match, Situation, at, refusals};
use crate::client::{Client, CredentialSource, Runtime, Tool};
use crate::tally::Tally;

pub(super) const CAUSE: Cause = Cause {
    id: "stale-credentials",
    title: "An old copy of the credentials was left behind",
    explanation: "The same user has credentials that work, and a client still finds older ones \
                  first: environment variables come before profiles, Terraform's S3 backend has \
                  credentials of its own, and CI steps, containers and caches keep what they got.",
    not: "It does not mean that the new key is wrong or that another one is needed: the old copy \
          has to go.",
    next_steps: &[
        "See which credentials win, and why: aws configure list",
        "Drop variables that shadow a profile: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY \
         AWS_SESSION_TOKEN",
        "Find the copies of the old key: grep -rlFe {access_key_id} ~/.aws .",
    ],
    false_positives: &["Two programs on one address, of which only one was meant to be moved"],
    reference: "https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let (confidence, mut evidence) = match group.key.access_key_id.as_deref() {
        Some(id) if access_key::kind(id) == Some(KeyKind::LongTerm) => of_key(situation)?,
        Some(_) => return None,
        None => {
            let backend = group.stages.get("backend").filter(|_| situation.unknown().is_some())?;
            let fact = "Terraform's backend was refused, which has credentials of its own, apart \
                        from the provider's";
            (Confidence::Low, vec![Evidence::new(fact, backend.event_ids())])
        }
    };
    let mut next_steps = Vec::new();
    if group.stages.contains_key("backend") {
        next_steps.push(BACKEND.to_owned());
    }
    let refused = group.clients.values().map(|(client, tally)| (client, tally.event_ids()));
    let left = situation.left_behind.iter().flat_map(|left| &left.callers);
    let left = left.map(|caller| (&caller.parsed, caller.event_ids.clone()));
    let mut terraform = false;
    for (client, event_ids) in refused.chain(left) {
        terraform |= matches!(client.tool, Tool::Terraform | Tool::OpenTofu);
        if let Some((place, step)) = place(client) {
            let fact = Evidence::new(format!("By its user agent, a client is {place}"), event_ids);
            if !evidence.contains(&fact) {
                evidence.push(fact);
            }
            if !next_steps.iter().any(|known| known == step) {
                next_steps.push(step.to_owned());
            }
        }
    }
    evidence.truncate(5);
    next_steps.truncate(3);
    if terraform {
        next_steps.push(VERSIONS.to_owned());
    }
    Some(Match { confidence, evidence, next_steps })
}

/// The old key against the others of its user from the same source.
fn of_key(situation: &Situation<'_>) -> Option<(Confidence, Vec<Evidence>)> {
    let group = situation.group;
    if let Some(token) = group.codes.get("InvalidToken") {
        let fact = "A session token was sent along with a long-term key, which has none";
        return Some((Confidence::High, vec![Evidence::new(fact, token.event_ids())]));
    }
    // Only long-term keys count: a session may have been minted by the dead key itself.
    let mut works = Tally::default();
    let others = situation.key.other_keys.iter().filter(|uses| {
        uses.caller.source == group.key.source
            && access_key::kind(&uses.caller.access_key_id) == Some(KeyKind::LongTerm)
    });
    let others: Vec<_> = others.inspect(|uses| works.merge(&uses.tally)).collect();
    let works_fact = others.first().zip(works.first).map(|(uses, first)| {
        let key = access_key::mask(&uses.caller.access_key_id);
        let fact = format!(
            "The same user works from {} with key {key} since {}",
            group.key.source,
            at(first)
        );
        Evidence::new(fact, works.event_ids())
    });
    if let (Some(refused), Some(fact)) = (situation.unknown(), &works_fact) {
        let was_good = situation.key_off().is_some()
            || situation.key.uses.iter().any(|uses| {
                uses.tally.last.zip(refused.first).is_some_and(|(used, first)| used < first)
            });
        let still = refused.last.zip(works.first).is_some_and(|(last, first)| first <= last);
        if was_good && still {
            return Some((Confidence::High, vec![fact.clone(), refusals(refused)]));
        }
    }
    let left = situation.left_behind?;
    let mut evidence = vec![Evidence::new(
        format!("{} used the old key {}", left.source, used(&left.uses)),
        left.uses.event_ids(),
    )];
    let resolved = left.resolved.as_ref().filter(|proof| proof.access_key_id != left.access_key_id);
    let side_by_side = left.uses.last.zip(works.first).is_some_and(|(used, first)| first <= used);
    match (works_fact, resolved) {
        (Some(fact), _) if side_by_side => {
            evidence.push(fact);
            Some((Confidence::Medium, evidence))
        }
        (_, Some(proof)) => {
            let key = access_key::mask(&proof.access_key_id);
            let fact = format!("It works with key {key} since {}", at(proof.time));
            evidence.push(Evidence::new(fact, vec![proof.event_id.clone()]));
            Some((Confidence::Low, evidence))
        }
        _ => None,
    }
}

fn used(uses: &Tally) -> String {
    let times = crate::cause::times(uses.count);
    uses.last.map_or(times.clone(), |last| format!("{times}, last at {}", at(last)))
}

const BACKEND: &str = "Compare `profile`, `access_key` and `role_arn` in backend \"s3\" with the \
                       provider's, then drop what the last init kept: terraform init -reconfigure";

/// From hashicorp/terraform#33687 and hashicorp/terraform-provider-aws 4.0.
const VERSIONS: &str = "See which rules apply: up to Terraform 1.5 in the S3 backend, and before \
                        4.0 in the AWS provider, variables win even over a `profile` that is \
                        written there; constrain both with required_version and \
                        required_providers: terraform version";

/// Where a client keeps its credentials, as far as its user agent tells, and what to do there.
fn place(client: &Client) -> Option<(String, &'static str)> {
    let terraform = matches!(client.tool, Tool::Terraform | Tool::OpenTofu);
    let from = client.credential_source;
    let says =
        from.map_or(String::new(), |from| format!(" with credentials from {}", from.describe()));
    let (place, step) = match (&client.runtime, from) {
        _ if terraform && client.s3_backend => ("Terraform's S3 backend", BACKEND),
        (Some(Runtime::GithubActions), _) => (
            "a GitHub Actions workflow",
            "Unless an earlier step sets the variables, replace the repository's secrets: \
             gh secret set AWS_ACCESS_KEY_ID; gh secret set AWS_SECRET_ACCESS_KEY",
        ),
        (Some(Runtime::Lambda), _) => (
            "a Lambda function",
            "See whether the key is in the function's variables, and take it out so that the role \
             acts: aws lambda get-function-configuration --function-name NAME \
             --query 'keys(Environment.Variables)'",
        ),
        (Some(Runtime::Fargate | Runtime::EcsOnEc2), _) => (
            "a container on ECS",
            "Take the key out of the task definition, so that the task role acts, and start the \
             tasks anew: aws ecs update-service --cluster CLUSTER --service SERVICE \
             --task-definition NAME --force-new-deployment",
        ),
        _ if terraform => (
            "Terraform's AWS provider",
            "Look for access_key, profile and shared_credentials_files in the provider: \
             grep -rnE '(access_key|profile|shared_credentials_files) *=' --include='*.tf' .",
        ),
        (_, Some(CredentialSource::Environment)) => (
            "a program",
            "Find what sets the variables: env | grep -o '^AWS_[A-Z_]*'; \
             grep -ns AWS_ACCESS_KEY_ID ~/.profile ~/.bashrc ~/.zshrc .env .envrc",
        ),
        (_, Some(CredentialSource::Profile)) => {
            ("a program", "Put the new key into the profile: aws configure --profile PROFILE")
        }
        (_, Some(CredentialSource::Code)) => (
            "a program",
            "Take the key out of the program's source or its options, and let the SDK find it",
        ),
        _ => return None,
    };
    Some((format!("{place}{says}"), step))
}
