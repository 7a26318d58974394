//! Group 3, precedence: who would use what here, what is shadowed, and where Terraform's backend and
//! provider part.

use failure_monitor_core::access_key;
use failure_monitor_core::cause::Confidence::{Low, Medium};

use super::chain::{self, Chain, How};
use super::check::{Check, listed};
use super::machine::Machine;
use super::quick::UNSET_ALL;
use super::terraform::Block;

pub(super) fn checks(machine: &Machine) -> Vec<Check> {
    let chains = chain::chains(machine);
    let mut checks: Vec<Check> = chains.iter().map(|chain| one(machine, chain)).collect();
    checks.extend([apart(&chains), cached(machine), static_keys(machine), readable(machine)]);
    checks
}

fn one(machine: &Machine, chain: &Chain) -> Check {
    let id = match chain.client.as_str() {
        "S3 backend" => "terraform-backend",
        client if client.starts_with("provider ") => "terraform-provider",
        client if client.starts_with("AWS CLI") => "aws-cli",
        _ => "aws-sdk",
    };
    let place = chain.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    let Some((winner, rest)) = chain.sources.split_first() else {
        return Check::warning(id, format!("{}{place}: no credentials here", chain.client))
            .fix("See what the AWS CLI finds", "aws configure list");
    };
    let role = if chain.assumes_role { ", then assumes a role" } else { "" };
    let found = format!("{}{place}: {}{role}", chain.client, winner.shown());
    let last_resort = |name: &str| name == "instance metadata" || name == "container credentials";
    if last_resort(&winner.name) {
        return Check::ok(id, format!("{found}; nothing is written down here"));
    }
    let incomplete = matches!(&winner.how, How::Keys(keys) if !keys.complete());
    if incomplete {
        return Check::failed(
            id,
            format!("{found}: half of a pair is set there, key ID or secret is missing"),
        )
        .advice("Set both there, or neither")
        .points_to("stale-credentials", Medium);
    }
    let shadowed: Vec<_> = rest.iter().filter(|source| !last_resort(&source.name)).collect();
    if shadowed.is_empty() {
        return Check::ok(id, found);
    }
    let names: Vec<String> = shadowed.iter().map(|source| source.shown()).collect();
    let found = format!("{found}; shadowed: {}", listed(&names));
    let same = |source: &&chain::Source| source.id().is_some() && source.id() == winner.id();
    if shadowed.iter().all(same) {
        return Check::ok(id, found);
    }
    let check = Check::warning(id, found);
    let check = if winner.name == "environment variables" {
        check.fix("If the profile is meant, drop the variables", UNSET_ALL)
    } else if let Some(place) = &chain.place
        && !winner.name.starts_with("profile ")
    {
        check.advice(format!("If another one is meant, take the keys out of {place}"))
    } else if machine.profile.is_some() {
        return Check::ok(check.id, check.found);
    } else {
        check.advice("Keep one way to get credentials for each profile")
    };
    check.points_to("stale-credentials", Low)
}

/// Whether provider and backend use different keys, the most confusing case: `init` works and
/// `plan` does not, or the other way round.
fn apart(chains: &[Chain]) -> Check {
    const ID: &str = "provider-and-backend";
    let of =
        |wanted: &dyn Fn(&Chain) -> bool| chains.iter().filter(|c| wanted(c)).collect::<Vec<_>>();
    let providers = of(&|chain| chain.client.starts_with("provider "));
    let backend = of(&|chain| chain.client == "S3 backend");
    let Some(backend) = backend.first() else {
        return Check::not_applicable(ID, "no S3 backend in this directory");
    };
    // Without a provider block, Terraform uses the default chain.
    let default = of(&|chain| chain.client.starts_with("AWS SDKs"));
    let providers = if providers.is_empty() { default } else { providers };
    let Some(theirs) = backend.sources.first() else {
        return Check::not_applicable(ID, "the S3 backend has no credentials here");
    };
    for provider in providers {
        let Some(ours) = provider.sources.first() else { continue };
        let differ = match (ours.id(), theirs.id()) {
            (Some(ours), Some(theirs)) => ours != theirs,
            _ => ours != theirs,
        };
        if differ {
            return Check::warning(
                ID,
                format!(
                    "{} uses {}, the S3 backend uses {}: an error of one says nothing of the other",
                    provider.client,
                    ours.shown(),
                    theirs.shown()
                ),
            )
            .fix(
                "If both are meant to be the same, name the profile in both blocks, then",
                "terraform init -reconfigure",
            )
            .points_to("stale-credentials", Medium);
        }
    }
    Check::ok(ID, "provider and S3 backend use the same credentials")
}

/// Keys that `terraform init` wrote down and goes on to use.
fn cached(machine: &Machine) -> Check {
    const ID: &str = "cached-backend";
    let terraform = &machine.terraform;
    let Some(cached) = &terraform.cached else {
        return Check::not_applicable(ID, "terraform init has written down no S3 backend here");
    };
    let init = "terraform init -reconfigure";
    if let Some(id) = cached.settings.get("access_key") {
        let block = terraform.backend.as_ref();
        let now = block.and_then(|block| block.value("access_key", terraform));
        let shown = access_key::mask(id);
        let found = match now {
            Some(now) if now == id => format!(
                ".terraform/terraform.tfstate holds the key {shown} and its secret in plain text, \
                 as the backend block does"
            ),
            Some(_) => format!(
                ".terraform/terraform.tfstate still holds the key {shown}, another than the backend \
                 block: the old one is used until init is run again"
            ),
            None => format!(
                ".terraform/terraform.tfstate holds the key {shown} from an earlier init: it is used \
                 whatever the environment has"
            ),
        };
        let same = now == Some(id.as_str());
        let check = Check::warning(ID, found).fix("Have it written anew", init);
        return if same { check } else { check.points_to("stale-credentials", Medium) };
    }
    for name in ["profile", "region", "role_arn"] {
        let cached = cached.settings.get(name).map(String::as_str);
        let block = terraform.backend.as_ref();
        let now = block.and_then(|block| block.value(name, terraform));
        if let (Some(cached), Some(now)) = (cached, now)
            && cached != now
        {
            return Check::warning(
                ID,
                format!(
                    "{name} of the backend was {cached} at the last init and is {now} now: Terraform \
                     asks for another init"
                ),
            )
            .fix("Have it written anew", init)
            .points_to("stale-credentials", Low);
        }
    }
    Check::ok(ID, "the backend is as at the last init, and no key is written down in it")
}

fn static_keys(machine: &Machine) -> Check {
    const ID: &str = "keys-in-files";
    let terraform = &machine.terraform;
    let mut places = Vec::new();
    let mut look = |block: &Block, all: bool| {
        for (name, setting) in &block.settings {
            let named = matches!(name.as_str(), "access_key" | "secret_key" | "token");
            let value = setting.literal.as_deref().unwrap_or_default();
            let key_id = access_key::malformed(value).is_none();
            if !value.is_empty() && (named && !all || key_id) {
                places.push(format!("{name} in {}:{}", block.file, setting.line));
            }
        }
    };
    for block in
        terraform.providers.iter().chain(&terraform.backend).chain(&terraform.backend_files)
    {
        look(block, false);
    }
    for block in &terraform.tfvars {
        look(block, true);
    }
    if terraform.files == 0 && places.is_empty() {
        return Check::not_applicable(ID, "no Terraform files in this directory");
    }
    if places.is_empty() {
        return Check::ok(ID, "no keys are written into Terraform files");
    }
    Check::warning(
        ID,
        format!(
            "keys are written down in files: {}; they win over everything else, and end in version \
             control and state",
            listed(&places)
        ),
    )
    .advice("Take them out and name a profile or a role instead")
}

fn readable(machine: &Machine) -> Check {
    const ID: &str = "terraform-files";
    let terraform = &machine.terraform;
    match terraform.problems.as_slice() {
        [] if terraform.files == 0 => {
            Check::not_applicable(ID, "no Terraform files in this directory")
        }
        [] => Check::ok(ID, format!("Terraform files read: {}", terraform.files)),
        problems => Check::warning(ID, format!("not looked at: {}", listed(problems))),
    }
}
