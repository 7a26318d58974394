//! Group 7, versions: Terraform and the AWS provider that are asked for and locked here, against
//! those that treat credentials in another way.
//!
//! Each entry of the table names the page that it rests on.

use failure_monitor_core::cause::Confidence::Low;
use semver::{Version, VersionReq};

use super::check::Check;
use super::machine::Machine;

/// Versions that are known to treat credentials in another way.
struct Known {
    of: &'static str,
    /// As a requirement of versions.
    versions: &'static str,
    /// What is different.
    words: &'static str,
    /// What it takes to matter.
    concerns: fn(&Machine) -> bool,
    reference: &'static str,
}

const KNOWN: [Known; 4] = [
    Known {
        of: "terraform",
        versions: "<0.14.6",
        words: "its S3 backend does not know IAM Identity Center",
        concerns: |machine| uses(machine, "sso_start_url") || uses(machine, "sso_session"),
        reference: "https://github.com/hashicorp/terraform/blob/v0.14/CHANGELOG.md",
    },
    Known {
        of: "terraform",
        versions: "<1.6.0",
        words: "its S3 backend does not know sso_session, only sso_start_url in the profile itself",
        concerns: |machine| uses(machine, "sso_session"),
        reference: "https://github.com/hashicorp/terraform/issues/32465",
    },
    Known {
        of: "terraform",
        versions: "=1.6.4",
        words: "its S3 backend fails with IAM Identity Center",
        concerns: |machine| uses(machine, "sso_start_url") || uses(machine, "sso_session"),
        reference: "https://github.com/hashicorp/terraform/issues/34248",
    },
    Known {
        of: "hashicorp/aws",
        versions: "<4.0.0",
        words: "a profile in the provider block that gives no credentials is passed over in silence, \
                and the environment is used",
        concerns: |machine| {
            machine.terraform.providers.iter().any(|block| block.settings.contains_key("profile"))
        },
        reference: "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/version-4-upgrade",
    },
];

fn uses(machine: &Machine, key: &str) -> bool {
    machine.profiles().into_iter().any(|profile| machine.profile_setting(profile, key).is_some())
}

pub(super) fn checks(machine: &Machine) -> Vec<Check> {
    vec![terraform(machine), provider(machine), locked(machine)]
}

fn terraform(machine: &Machine) -> Check {
    const ID: &str = "terraform-version";
    let cached = machine.terraform.cached.as_ref().and_then(|cached| {
        let version = cached.version.as_deref()?;
        Some((".terraform/terraform.tfstate".to_owned(), version.to_owned()))
    });
    let files = machine.terraform.version_files.iter().cloned();
    let Some((place, version)) = files.chain(cached).next() else {
        let constraint = constraints(machine, "terraform").next();
        return match constraint {
            Some(text) => Check::not_applicable(
                ID,
                format!("{text} is asked for; no file says which version is used"),
            ),
            None => Check::not_applicable(ID, "no file says which version of Terraform is used"),
        };
    };
    judge(ID, machine, "terraform", "Terraform", &version, &place)
}

fn provider(machine: &Machine) -> Check {
    const ID: &str = "provider-version";
    let Some(version) = &machine.terraform.locked else {
        return Check::not_applicable(ID, "no lock file names the AWS provider");
    };
    judge(ID, machine, "hashicorp/aws", "AWS provider", version, ".terraform.lock.hcl")
}

fn judge(
    id: &'static str,
    machine: &Machine,
    of: &str,
    name: &str,
    version: &str,
    place: &str,
) -> Check {
    let Some(parsed) = parse(version) else {
        return Check::warning(id, format!("{place}: {version} is no version"));
    };
    let known = KNOWN.iter().filter(|known| known.of == of).find(|known| {
        let matches = VersionReq::parse(known.versions).is_ok_and(|req| req.matches(&parsed));
        matches && (known.concerns)(machine)
    });
    match known {
        None => Check::ok(id, format!("{name} {version} ({place})")),
        Some(known) => Check::warning(id, format!("{name} {version} ({place}): {}", known.words))
            .advice(format!("Use a newer version; see {}", known.reference))
            .points_to("stale-credentials", Low),
    }
}

fn constraints<'a>(machine: &'a Machine, of: &'a str) -> impl Iterator<Item = &'a str> {
    machine.terraform.constraints.iter().filter(move |c| c.of == of).map(|c| c.text.as_str())
}

/// Whether the lock file fits what the configuration asks for.
fn locked(machine: &Machine) -> Check {
    const ID: &str = "lock-file";
    let Some(version) = machine.terraform.locked.as_deref() else {
        return Check::not_applicable(ID, "no lock file names the AWS provider");
    };
    let Some(parsed) = parse(version) else {
        return Check::warning(ID, format!(".terraform.lock.hcl: {version} is no version"));
    };
    for constraint in machine.terraform.constraints.iter().filter(|c| c.of == "hashicorp/aws") {
        match allows(&constraint.text, &parsed) {
            Some(true) => {}
            Some(false) => {
                return Check::warning(
                    ID,
                    format!(
                        "the lock file has {version}, and {} asks for {}",
                        constraint.place, constraint.text
                    ),
                )
                .fix("Have it chosen anew", "terraform init -upgrade");
            }
            None => {
                return Check::warning(
                    ID,
                    format!("{}: {} is no constraint", constraint.place, constraint.text),
                );
            }
        }
    }
    Check::ok(ID, format!("the lock file ({version}) fits what is asked for"))
}

/// A version whose missing parts are 0.
fn parse(text: &str) -> Option<Version> {
    let text = text.trim().trim_start_matches('v');
    let (numbers, pre) = text.split_once('-').map_or((text, ""), |(numbers, pre)| (numbers, pre));
    let mut parts: Vec<&str> = numbers.split('.').collect();
    if parts.len() > 3 {
        return None;
    }
    parts.resize(3, "0");
    let dash = if pre.is_empty() { "" } else { "-" };
    Version::parse(&format!("{}{dash}{pre}", parts.join("."))).ok()
}

/// Whether a constraint in Terraform's language allows a version
/// (<https://developer.hashicorp.com/terraform/language/expressions/version-constraints>).
fn allows(constraint: &str, version: &Version) -> Option<bool> {
    for part in constraint.split(',').map(str::trim) {
        let at = part.find(|c: char| c.is_ascii_digit() || c == 'v')?;
        let (op, text) = (part[..at].trim(), &part[at..]);
        let bound = parse(text)?;
        let holds = match op {
            "" | "=" => *version == bound,
            "!=" => *version != bound,
            ">" => *version > bound,
            ">=" => *version >= bound,
            "<" => *version < bound,
            "<=" => *version <= bound,
            // Only the last part that is written may grow.
            "~>" => {
                let fixed =
                    text.split('-').next().map_or(0, |numbers| numbers.matches('.').count());
                *version >= bound
                    && (fixed < 1 || version.major == bound.major)
                    && (fixed < 2 || version.minor == bound.minor)
            }
            _ => return None,
        };
        if !holds {
            return Some(false);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_terraforms_own() {
        let cases = [
            ("~> 5.0", "5.100.0", true),
            ("~> 5.0", "6.0.0", false),
            ("~> 5.0.1", "5.0.9", true),
            ("~> 5.0.1", "5.1.0", false),
            (">= 4.0, < 6", "5.1.0", true),
            (">= 4.0, < 6", "6.0.0", false),
            ("5.1.0", "5.1.0", true),
            ("!= 5.1.0", "5.1.0", false),
        ];
        for (constraint, version, expected) in cases {
            let found = allows(constraint, &parse(version).unwrap());
            assert_eq!(found, Some(expected), "{constraint} {version}");
        }
        assert_eq!(allows("=> 5", &parse("5.0.0").unwrap()), None);
        assert_eq!(allows("latest", &parse("5.0.0").unwrap()), None);
    }
}
