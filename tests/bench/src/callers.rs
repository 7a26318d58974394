//! Who calls: accounts, IAM users with their keys, roles with their sessions, AWS services.
//!
//! Knows the shapes of `userIdentity`, addresses and user agents. Must not know what is called.

use crate::calendar::{self, HOUR};
use crate::json::{Json, Text};
use crate::object;
use crate::random::Random;

pub const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "123456789012"];

pub const SERVICES: [&str; 12] = [
    "lambda.amazonaws.com",
    "autoscaling.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "ec2.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "config.amazonaws.com",
    "delivery.logs.amazonaws.com",
    "eks.amazonaws.com",
    "inspector2.amazonaws.com",
    "rds.amazonaws.com",
    "secretsmanager.amazonaws.com",
    "states.amazonaws.com",
];

/// User agents of programs. The first four are those of Terraform, the next three of the CLI.
pub const AGENTS: [&str; 14] = [
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.81.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.194.0 m/C,g",
    "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) terraform-provider-aws/4.67.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go/1.44.261 (go1.19.8; linux; amd64)",
    "APN/1.0 HashiCorp/1.0 Terraform/1.10.4 aws-sdk-go-v2/1.32.4 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#arm64 api/s3#1.66.3 m/E,n",
    "APN/1.0 HashiCorp/1.0 Terraform/1.1.2 (+https://www.terraform.io) terraform-provider-aws/3.76.1 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go/1.44.157 (go1.19.3; linux; amd64) HashiCorp-terraform-exec/0.17.3",
    "aws-cli/2.31.1 md/awscrt#0.27.6 ua/2.1 os/linux#6.1.147-172.266.amzn2023.x86_64 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython m/Z,b,E,g cfg/retry-mode#standard md/installer#exe md/distrib#amzn.2023 md/prompt#off md/command#sts.get-caller-identity",
    "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0 md/arch#arm64 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#source md/prompt#off md/command#ec2.describe-instances",
    "aws-cli/1.18.136 Python/3.8.5 Darwin/19.5.0 botocore/1.17.59",
    "Boto3/1.35.76 md/Botocore#1.35.76 ua/2.0 os/linux#5.15.0-1072-aws md/arch#x86_64 lang/python#3.12.7 md/pyimpl#CPython m/b,n cfg/retry-mode#legacy Botocore/1.35.76",
    "Boto3/1.26.165 Python/3.10.6 Linux/5.19.0-46-generic Botocore/1.29.165",
    "aws-sdk-java/2.29.23 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.115-126.197.amzn2023.x86_64 lang/java#17.0.13 md/OpenJDK_64-Bit_Server_VM#17.0.13+11-LTS md/vendor#Amazon.com_Inc. md/en_US exec-env/AWS_ECS_FARGATE m/D,z",
    "aws-sdk-go-v2/1.30.3 ua/2.1 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/sqs#1.34.3 exec-env/AWS_Lambda_python3.12 m/g",
    "aws-sdk-js/3.682.0 ua/2.1 os/linux#5.10.226-235.879.amzn2.x86_64 lang/js md/nodejs#20.18.0 api/dynamodb#3.682.0 exec-env/AWS_Lambda_nodejs20.x m/E,g",
    "aws-sdk-go/1.55.5 (go1.22.7; linux; amd64) amazon-ssm-agent/3.3.1345.0",
    "karpenter.sh-1.0.8 aws-sdk-go/1.55.5 (go1.23.2; linux; arm64)",
];

const BROWSERS: [&str; 3] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.779 Linux/5.10.228-198.884.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.432-b06 java/1.8.0_432 vendor/Oracle_Corporation cfg/retry-mode/standard",
];

#[derive(Clone)]
pub struct Caller {
    pub identity: Json,
    pub access_key_id: Option<String>,
    pub source: Text,
    pub user_agent: Text,
    pub console: bool,
    pub is_service: bool,
}

impl Caller {
    /// The account that owns the identity, where the record says so.
    pub fn account(&self) -> Option<&str> {
        self.field("accountId")
    }

    /// The ARN of the identity, where the record says so.
    pub fn arn(&self) -> Option<&str> {
        self.field("arn")
    }

    fn field(&self, name: &str) -> Option<&str> {
        let Json::Object(fields) = &self.identity else { return None };
        fields.iter().find_map(|(key, value)| match value {
            Json::Text(text) if key == name && !text.is_empty() => Some(text.as_ref()),
            _ => None,
        })
    }
}

pub struct User {
    pub account: &'static str,
    pub name: String,
    pub principal_id: String,
    pub keys: Vec<String>,
    pub places: Vec<(String, &'static str)>,
}

struct Role {
    name: String,
    id: String,
    agent: &'static str,
    sources: Vec<String>,
    console: bool,
}

/// The people and programs of one account.
pub struct Population {
    account: &'static str,
    users: Vec<User>,
    roles: Vec<Role>,
    root: (String, String),
}

const TEAMS: [&str; 8] =
    ["payments", "search", "platform", "data", "checkout", "media", "billing", "identité"];

impl User {
    pub fn new(random: &mut Random, account: &'static str, prefix: &str, keys: usize) -> User {
        let name = format!("{prefix}-{}-{}", random.pick(&TEAMS), random.below(1000));
        User {
            account,
            name,
            principal_id: format!("AIDA{}", random.base32(17)),
            keys: (0..keys).map(|_| random.access_key_id("AKIA")).collect(),
            places: (0..1 + random.below(3))
                .map(|_| (random.address(), random.pick(&AGENTS)))
                .collect(),
        }
    }

    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:user/{}", self.account, self.name)
    }

    pub fn caller(&self, key: &str, source: &str, user_agent: &str) -> Caller {
        Caller {
            identity: object! {
                "type": "IAMUser",
                "principalId": self.principal_id.clone(),
                "arn": self.arn(),
                "accountId": self.account,
                "accessKeyId": key.to_owned(),
                "userName": self.name.clone(),
            },
            access_key_id: Some(key.to_owned()),
            source: source.to_owned().into(),
            user_agent: user_agent.to_owned().into(),
            console: false,
            is_service: false,
        }
    }
}

impl Population {
    pub fn new(random: &mut Random, account: &'static str) -> Population {
        let users = (0..14)
            .map(|_| {
                let keys = 1 + random.index(2);
                User::new(random, account, "svc", keys)
            })
            .collect();
        let roles = (0..48)
            .map(|at| {
                let team = random.pick(&TEAMS);
                let console = at % 6 == 0;
                let name = if console {
                    format!("AWSReservedSSO_{team}-admin_{}", random.hex(16))
                } else {
                    let kind = random.pick(&["ci", "app", "node", "batch", "etl"]);
                    format!("prod-{team}-{kind}-role-{}", random.hex(6))
                };
                let agents: &[&str] = if console { &BROWSERS } else { &AGENTS };
                Role {
                    name,
                    id: format!("AROA{}", random.base32(17)),
                    agent: random.pick(agents),
                    sources: (0..1 + random.below(6)).map(|_| random.address()).collect(),
                    console,
                }
            })
            .collect();
        let root = (random.access_key_id("ASIA"), random.address());
        Population { account, users, roles, root }
    }

    /// The sessions that are alive while one file's records are made.
    pub fn sessions(&self, random: &mut Random, begin: i64) -> Vec<Caller> {
        (0..90)
            .map(|_| {
                let role = random.pick_skewed(&self.roles);
                self.session(role, random, begin)
            })
            .collect()
    }

    fn session(&self, role: &Role, random: &mut Random, begin: i64) -> Caller {
        let session = match random.below(4) {
            0 => format!("i-0{}", random.hex(16)),
            1 => random.hex(32),
            2 => format!("aws-go-sdk-{}", 1_767_571_200_000_000_000 + random.below(1 << 50)),
            _ => format!("GitHubActions-{}", random.below(1 << 34)),
        };
        let account = self.account;
        let key = random.access_key_id("ASIA");
        let made = calendar::rfc3339(begin - random.between(0, HOUR));
        let identity = object! {
            "type": "AssumedRole",
            "principalId": format!("{}:{session}", role.id),
            "arn": format!("arn:aws:sts::{account}:assumed-role/{}/{session}", role.name),
            "accountId": account,
            "accessKeyId": key.clone(),
            "sessionContext": object! {
                "sessionIssuer": object! {
                    "type": "Role",
                    "principalId": role.id.clone(),
                    "arn": format!("arn:aws:iam::{account}:role/{}", role.name),
                    "accountId": account,
                    "userName": role.name.clone(),
                },
                "webIdFederationData": object! {},
                "attributes": object! {
                    "creationDate": made,
                    "mfaAuthenticated": if role.console { "true" } else { "false" },
                },
            },
        };
        Caller {
            identity,
            access_key_id: Some(key),
            source: random.choose(&role.sources).clone().into(),
            user_agent: role.agent.into(),
            console: role.console,
            is_service: false,
        }
    }

    /// Somebody of this account, in the proportions of a busy account.
    pub fn anybody(&self, random: &mut Random, sessions: &[Caller]) -> Caller {
        match random.below(1000) {
            0..690 => random.pick_skewed(sessions).clone(),
            690..820 => {
                let user = random.pick_skewed(&self.users);
                let key = random.choose(&user.keys);
                let (source, agent) = random.choose(&user.places);
                user.caller(key, source, agent)
            }
            820..870 => {
                let session = random.choose(sessions).clone();
                on_behalf(random, session)
            }
            870..873 => self.root(),
            _ => service(random, self.account),
        }
    }

    fn root(&self) -> Caller {
        let (key, source) = &self.root;
        Caller {
            identity: object! {
                "type": "Root",
                "principalId": self.account,
                "arn": format!("arn:aws:iam::{}:root", self.account),
                "accountId": self.account,
                "accessKeyId": key.clone(),
                "userName": "",
            },
            access_key_id: Some(key.clone()),
            source: source.clone().into(),
            user_agent: BROWSERS[0].into(),
            console: true,
            is_service: false,
        }
    }

    /// An IAM user without a key: somebody at the console's door.
    pub fn visitor(&self, random: &mut Random) -> Caller {
        let user = random.choose(&self.users);
        Caller {
            identity: object! {
                "type": "IAMUser",
                "accountId": self.account,
                "accessKeyId": "",
                "userName": user.name.clone(),
            },
            access_key_id: None,
            source: random.address().into(),
            user_agent: BROWSERS[1].into(),
            console: false,
            is_service: false,
        }
    }
}

/// A service that uses a role's session: the key is the session's, the address is the service.
fn on_behalf(random: &mut Random, mut caller: Caller) -> Caller {
    let name = random.pick(&SERVICES);
    if let Json::Object(fields) = &mut caller.identity {
        fields.push(("invokedBy".into(), name.into()));
    }
    caller.source = name.into();
    caller.user_agent = name.into();
    caller.console = false;
    caller.is_service = true;
    caller
}

fn service(random: &mut Random, account: &'static str) -> Caller {
    let name = *random.pick_skewed(&SERVICES);
    Caller {
        // Some service events do not even say of what type the caller is.
        identity: match random.percent(10) {
            true => object! { "accountId": account, "invokedBy": name },
            false => object! { "type": "AWSService", "invokedBy": name },
        },
        access_key_id: None,
        source: name.into(),
        user_agent: name.into(),
        console: false,
        is_service: true,
    }
}
