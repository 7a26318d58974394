//! Clients that have no stages: where each takes its credentials from and how to see which.
//!
//! Knows clients by the names that `report` gives them. Must not know causes.

use super::place::{Place, VARIABLES, WINNER, WORKS};

/// What a client takes its credentials from, and the commands that show it.
struct Client {
    names: &'static [&'static str],
    what: &'static str,
    next_steps: &'static [&'static str],
}

const SDK: &str = "An SDK takes the credentials that the program gives it in code before all others, \
                   then environment variables, then the profile, then the role of the container or \
                   instance.";

const CLIENTS: &[Client] = &[
    Client {
        names: &["AWS CLI"],
        what: "The AWS CLI takes credentials from --profile, then environment variables, then \
               AWS_PROFILE or the default profile, then the role of the container or instance. \
               Where variables and AWS_PROFILE are both set, the variables win.",
        next_steps: &[
            WINNER,
            VARIABLES,
            "See whether a named profile works where the default does not: \
             aws sts get-caller-identity --profile PROFILE",
        ],
    },
    Client {
        names: &["boto3"],
        what: SDK,
        next_steps: &[
            "Have boto3 say where it takes them from, in the environment of the program: python3 -c \
             'import boto3; print(boto3.Session().get_credentials().method)'",
            VARIABLES,
            "Look for keys in the code, which win (names only): \
             grep -rnoE 'aws_(access_key_id|secret_access_key|session_token) *=' --include='*.py' .",
            WORKS,
        ],
    },
    Client {
        names: &["AWS SDK for JavaScript v2", "AWS SDK for JavaScript v3"],
        what: SDK,
        next_steps: &[
            VARIABLES,
            WINNER,
            "Look for credentials in the code and in .env files, which win (names only): grep -rnoE \
             --include='*.[jt]s' --include='.env*' --exclude-dir=node_modules \
             '(accessKeyId|secretAccessKey|sessionToken|AWS_[A-Z_]+) *[:=]' .",
            WORKS,
        ],
    },
    Client {
        names: &["AWS SDK for Java v1", "AWS SDK for Java v2"],
        what: "The Java SDK takes the credentials that the program gives it in code before all \
               others, then Java system properties (aws.accessKeyId) and environment variables, \
               version 1 in the other order, then the profile and the role of the container or \
               instance.",
        next_steps: &[
            VARIABLES,
            "See which properties the process was started with (names only): \
             ps ax -o args | grep -o 'aws\\.[A-Za-z]*='",
            WINNER,
            WORKS,
        ],
    },
    Client {
        names: &["AWS SDK for .NET", "AWS Tools for PowerShell"],
        what: "On Windows, .NET and PowerShell look into the encrypted SDK store before \
               ~/.aws/credentials: a profile of the same name there hides the one in the file.",
        next_steps: &[
            "See where each profile is stored, in PowerShell: \
             `Get-AWSCredential -ListProfileDetail`",
            "Take an old one out of the store, in PowerShell: \
             `Remove-AWSCredentialProfile -ProfileName PROFILE`",
            WINNER,
            WORKS,
        ],
    },
    Client {
        names: &["Serverless Framework"],
        what: "Serverless takes --aws-profile or provider.profile from serverless.yml, then \
               environment variables, then the default profile; with useDotenv it reads .env, too.",
        next_steps: &[
            WINNER,
            VARIABLES,
            "See what the configuration names: grep -nE 'profile|useDotenv' serverless.yml",
            "See whether that profile works: aws sts get-caller-identity --profile PROFILE",
        ],
    },
    Client {
        names: &["AWS CDK"],
        what: "The CDK takes --profile, then environment variables, then the default profile, and \
               assumes the roles of its bootstrap stack with them. It keeps sessions and asks STS \
               again when they end.",
        next_steps: &[
            WINNER,
            VARIABLES,
            WORKS,
            "See which credentials and roles it tries: env CI=true npx cdk deploy --verbose",
        ],
    },
    Client {
        names: &["CloudFormation"],
        what: "The resource's handler at AWS was refused, not your client: it works with the stack's \
               service role or with a session made from the credentials that started the stack \
               operation. Such a session cannot be renewed and ends with the one it was made from, \
               so a long operation can outlive it.",
        next_steps: &[
            "See when the operation began and which resource was refused: \
             aws cloudformation describe-stack-events --stack-name STACK --max-items 20",
            "See whether the stack has a service role, which outlives your session: \
             aws cloudformation describe-stacks --stack-name STACK --query 'Stacks[].RoleARN'",
            "Start the operation again with fresh credentials, or give the stack a service role",
        ],
    },
    Client {
        names: &["configure-aws-credentials"],
        what: "The action takes what the workflow gives it: a role (with the job's OIDC token) or \
               keys from secrets. A secret that does not exist under that name, or that a pull \
               request from a fork may not have, is an empty text and no error.",
        next_steps: &[
            "See which secrets exist, and compare their names letter by letter: gh secret list; \
             gh secret list --env ENVIRONMENT",
            "For a role, the job needs `permissions: { id-token: write, contents: read }`",
            "See who runs the step with variables left over from an earlier one: grep -nE \
             'AWS_|role-to-assume|aws-(access|secret|session)' -r .github/workflows",
        ],
    },
    Client {
        names: &["Pulumi"],
        what: "Pulumi's AWS provider asks STS who it is before anything is planned, so nothing was \
               changed. It takes the stack's configuration (aws:profile, aws:accessKey) before \
               environment variables and the default profile.",
        next_steps: &[
            "See what the stack sets (secrets stay hidden): pulumi config",
            WINNER,
            VARIABLES,
            WORKS,
        ],
    },
    Client {
        names: &[
            "AWS SDK for Go v1",
            "AWS SDK for Go v2",
            "AWS SDK for PHP",
            "AWS SDK for Ruby",
            "AWS SDK for Rust",
        ],
        what: SDK,
        next_steps: &[VARIABLES, WINNER, WORKS],
    },
];

/// What to look at for a refusal outside of Terraform.
pub(super) fn of(client: Option<&'static str>) -> Place {
    let known = CLIENTS.iter().find(|known| client.is_some_and(|name| known.names.contains(&name)));
    let (what, steps): (_, &[&str]) = match known {
        Some(client) => (client.what, client.next_steps),
        None => (
            "The text does not say which client this is. AWS clients take credentials given in code \
             or options first, then environment variables, then the profile, then the role of the \
             container or instance.",
            &[WINNER, VARIABLES, WORKS],
        ),
    };
    Place { what, next_steps: steps.iter().map(|step| (*step).to_owned()).collect() }
}

/// Each kind of client: its names, where it takes its credentials from, and what to look at.
pub(super) fn all() -> impl Iterator<Item = (&'static [&'static str], Place)> {
    CLIENTS.iter().map(|client| (client.names, of(client.names.first().copied())))
}
