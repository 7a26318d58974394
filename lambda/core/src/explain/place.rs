//! The stage of a client's work: what happens in it, where its credentials come from and what to
//! look at first.
//!
//! Knows Terraform's stages. What other clients need is in `clients`. Must not know causes.

use super::clients;
use crate::causes::shell_quoted;
use crate::report::{Report, Stage};

/// A stage explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What the stage is and where its credentials come from.
    pub what: &'static str,
    /// What to look at, in order: `what: command`.
    pub next_steps: Vec<String>,
}

/// The head of a section: the stage in a few words.
pub fn title(stage: Stage, client: Option<&'static str>) -> String {
    let terraform = terraform(client);
    match stage {
        Stage::Provider => format!("{terraform}, configuring the AWS provider"),
        Stage::Backend => format!("{terraform}, using the S3 backend"),
        Stage::Refresh => format!("{terraform}, refreshing the state"),
        Stage::Resource => format!("{terraform}, working on a resource"),
        Stage::Other => client.unwrap_or("an AWS client").to_owned(),
    }
}

fn terraform(client: Option<&'static str>) -> &'static str {
    // Only these have stages; whatever else stands in their logs was called by them.
    match client {
        Some("OpenTofu") => "OpenTofu",
        Some("Pulumi") => "Pulumi",
        _ => "Terraform",
    }
}

/// The commands that look at credentials without printing any.
pub(super) const WINNER: &str =
    "See which credentials win here, and from where: aws configure list";
pub(super) const VARIABLES: &str = "See which variables are set, by name only (a temporary pair without its \
                                    AWS_SESSION_TOKEN, or a token of an older session, gives this \
                                    very error): env | grep -o '^AWS_[A-Z_]*'";
pub(super) const WORKS: &str = "See whether these credentials work outside of it: \
                                aws sts get-caller-identity";

/// What to look at in the stage of a refusal.
pub(super) fn of(report: &Report) -> Place {
    let program = if report.client == Some("OpenTofu") { "tofu" } else { "terraform" };
    let region = report.region.as_deref().map(shell_quoted);
    match report.client {
        Some("Pulumi") => None,
        _ => of_terraform(report.stage, program, region),
    }
    .unwrap_or_else(|| clients::of(report.client))
}

/// What to look at in a stage of Terraform; `None` for the stage that is none of it.
pub fn of_terraform(stage: Stage, program: &str, region: Option<String>) -> Option<Place> {
    Some(match stage {
        Stage::Provider => Place {
            what: "The provider asks STS who it is before anything is planned, so nothing was \
                   changed. Its credentials come from the provider block first, then environment \
                   variables, then the profile, then the role of the container or instance. A \
                   provider alias has a block of its own.",
            next_steps: vec![
                WINNER.to_owned(),
                VARIABLES.to_owned(),
                WORKS.to_owned(),
                "If they do, the provider uses others; find what is written into the configuration \
                 (names only): grep -rnoE --include='*.tf' \
                 '(access_key|secret_key|token|profile|shared_[a-z]+_files?) *=' ."
                    .to_owned(),
                format!(
                    "Have the provider say where it took them from: env TF_LOG=info {program} plan \
                     2>&1 | grep -o 'credentials_source=.*'"
                ),
            ],
        },
        Stage::Backend => Place {
            what: "The backend has credentials of its own: it does not read the provider block. It \
                   takes them from the backend block and -backend-config, then environment \
                   variables, then the profile. What was given to init is kept in \
                   .terraform/terraform.tfstate and used until the next init.",
            next_steps: vec![
                "See what init has kept (names only): jq -r '.backend.config | to_entries[] | \
                 select(.value != null) | .key' .terraform/terraform.tfstate"
                    .to_owned(),
                WINNER.to_owned(),
                VARIABLES.to_owned(),
                format!(
                    "See whether these credentials reach the bucket: aws s3api head-bucket --bucket \
                     BUCKET --region {}",
                    region.as_deref().unwrap_or("REGION")
                ),
                format!(
                    "Then drop what was kept, which changes neither state nor resources, and give \
                     profile or role again where you did before: {program} init -reconfigure"
                ),
            ],
        },
        Stage::Refresh => Place {
            what: "The state was read, and AWS was asked about what is in it. Old versions (0.11 and \
                   before) also configure the provider here. Nothing was changed. The credentials \
                   are the provider's: its block first, then environment variables, then the \
                   profile.",
            next_steps: vec![
                WINNER.to_owned(),
                VARIABLES.to_owned(),
                WORKS.to_owned(),
                format!("See which provider and alias the resources use: {program} providers"),
            ],
        },
        Stage::Resource => Place {
            what: "The provider was configured, so its credentials were good, or were not looked at \
                   (skip_credentials_validation). Either they ended during the run, or this resource \
                   goes to another provider alias, Region, endpoint or service than the check did. \
                   What was applied before stays applied and is in the state.",
            next_steps: vec![
                format!(
                    "See whether the credentials still work, there: aws sts get-caller-identity{}",
                    region.as_ref().map(|region| format!(" --region {region}")).unwrap_or_default()
                ),
                WINNER.to_owned(),
                "See which resources and modules use another alias: grep -rnE --include='*.tf' \
                 '(provider|providers|configuration_aliases) *=' ."
                    .to_owned(),
                "See which checks and endpoints are switched: grep -rnE --include='*.tf' \
                 '(skip_[a-z_]+|endpoints|region) *[={]' ."
                    .to_owned(),
                format!("When the cause is mended, see what is left to do: {program} plan"),
            ],
        },
        Stage::Other => return None,
    })
}

/// Each kind of client that has no stages: its names, and what to look at.
pub fn of_clients() -> impl Iterator<Item = (&'static [&'static str], Place)> {
    clients::all()
}

/// What to do where a client found no credentials.
pub(super) fn without_credentials(report: &Report) -> Vec<String> {
    let mut steps = vec![
        "See which sources the machine has: aws configure list".to_owned(),
        "See which variables are set, by name only; the name of a profile that does not exist, and \
         half a pair, count as nothing: env | grep -o '^AWS_[A-Z_]*'"
            .to_owned(),
        "See which profiles there are: aws configure list-profiles".to_owned(),
    ];
    match report.stage {
        Stage::Backend => steps.push(
            "The S3 backend does not read the provider block: give it `profile`, or set the \
             variables where Terraform runs"
                .to_owned(),
        ),
        Stage::Provider | Stage::Refresh | Stage::Resource => steps.push(
            "Name a profile in the provider block, or where Terraform runs: \
             export AWS_PROFILE=PROFILE"
                .to_owned(),
        ),
        Stage::Other => {}
    }
    steps.push(
        "In a container, pass the variables by name: docker run -e AWS_ACCESS_KEY_ID \
         -e AWS_SECRET_ACCESS_KEY -e AWS_SESSION_TOKEN IMAGE"
            .to_owned(),
    );
    match report.ci {
        Some("GitHubActions") => steps.push(
            "In GitHub Actions, the job needs `permissions: { id-token: write, contents: read }` \
             for a role, or secrets that exist under that name: gh secret list"
                .to_owned(),
        ),
        Some("GitLab-CI") => steps.push(
            "In GitLab, a protected variable reaches protected branches only: glab variable list"
                .to_owned(),
        ),
        _ => {}
    }
    steps.push(
        "On EC2, see whether the instance has a role, and whether the hop limit lets a container \
         reach it: aws ec2 describe-instances --instance-ids INSTANCE --query \
         'Reservations[].Instances[].[IamInstanceProfile.Arn,MetadataOptions]'"
            .to_owned(),
    );
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_terraforms_or_its_like() {
        assert_eq!(title(Stage::Backend, Some("OpenTofu")), "OpenTofu, using the S3 backend");
        assert_eq!(title(Stage::Provider, None), "Terraform, configuring the AWS provider");
        assert_eq!(title(Stage::Other, Some("boto3")), "boto3");
        assert_eq!(title(Stage::Other, None), "an AWS client");
    }
}
