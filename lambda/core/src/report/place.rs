//! Where in a client's work a refusal came: Terraform's stage and resource, and the client's name.
//!
//! Knows what Terraform prints round an error and what each client's messages have in common. Must
//! not know the codes and wordings of refusals.

use super::Stage;
use super::facts::Context;

impl Context<'_> {
    /// The outermost stage that the text before the refusal names.
    pub(super) fn stage(&self) -> Option<Stage> {
        const MARKS: [(&str, Stage); 38] = [
            ("configuringterraformawsprovider", Stage::Provider),
            ("provider.aws:", Stage::Provider),
            ("provider.aws.", Stage::Provider),
            ("validatingprovidercredentials", Stage::Provider),
            ("retrievingawsaccountdetails", Stage::Provider),
            ("usingcredentialstogetaccountid", Stage::Provider),
            ("tf_rpc=configureprovider", Stage::Provider),
            ("unabletovalidateawscredentials", Stage::Provider),
            ("configuringthebackend", Stage::Backend),
            ("configurings3backend", Stage::Backend),
            ("s3backend", Stage::Backend),
            ("backend-s3", Stage::Backend),
            ("errorloadingstate", Stage::Backend),
            ("errorloadingthestate", Stage::Backend),
            ("failedtoloadstate", Stage::Backend),
            ("failedtosavestate", Stage::Backend),
            ("failedtogetexistingworkspaces", Stage::Backend),
            ("erroracquiringthestatelock", Stage::Backend),
            ("unabletolistobjectsins3bucket", Stage::Backend),
            ("unabletoaccessobject", Stage::Backend),
            ("errorrefreshingstate", Stage::Refresh),
            ("refreshingstate:", Stage::Refresh),
            ("error:creating", Stage::Resource),
            ("error:reading", Stage::Resource),
            ("error:updating", Stage::Resource),
            ("error:deleting", Stage::Resource),
            ("error:waitingfor", Stage::Resource),
            ("error:listing", Stage::Resource),
            ("error:importing", Stage::Resource),
            ("erroroccurred:*creating", Stage::Resource),
            ("erroroccurred:*reading", Stage::Resource),
            ("erroroccurred:*updating", Stage::Resource),
            ("errorcreating", Stage::Resource),
            ("errorreading", Stage::Resource),
            ("errorupdating", Stage::Resource),
            ("errordeleting", Stage::Resource),
            ("tf_rpc=applyresourcechange", Stage::Resource),
            ("tf_rpc=readresource", Stage::Resource),
        ];
        let before = self.before();
        let found = MARKS.iter().filter_map(|(mark, stage)| Some((before.find(mark)?, *stage)));
        found.min_by_key(|(at, _)| *at).map(|(_, stage)| stage)
    }

    /// The Terraform address that the statement names.
    pub(super) fn resource(&self) -> Option<String> {
        let text = self.text;
        let last = text.line_at(self.after.end.saturating_sub(1).max(self.hit.start));
        let own = text.line_at(self.hit.start);
        let first = text.line_at(self.before.start).min(own);
        // The box names the resource below the refusal or between summary and detail; the address
        // after `with` is whole, the one after `on` lacks module and alias.
        let forms: [fn(&str) -> Option<String>; 2] = [with_address, on_address];
        let read = |index: usize, form: fn(&str) -> Option<String>| {
            let start = text.lines[index].start;
            let end = text.lines.get(index + 2).map_or(text.text.len(), |line| line.start);
            form(&text.text[start..text.text.floor_char_boundary(end.min(start + 512))])
        };
        let round = || (own + 1..=last.max(own)).chain((first..=own).rev());
        forms
            .iter()
            .find_map(|form| round().find_map(|index| read(index, *form)))
            .or_else(|| (first..=own).rev().find_map(|index| read(index, leading_address)))
            .or_else(|| {
                let key = "\"address\":\"";
                let at = self.first(key).or_else(|| self.last(key))?;
                let address = text.text[at..].split('"').next()?;
                (address.len() <= 256 && address.contains('.')).then(|| address.to_owned())
            })
    }

    pub(super) fn client(&self, terraform: bool) -> Option<&'static str> {
        const MARKS: [(&str, &str); 29] = [
            ("resourcehandlerreturnedmessage", "CloudFormation"),
            ("handlererrorcode", "CloudFormation"),
            ("serverlesserror", "Serverless Framework"),
            ("docs.serverless.com", "Serverless Framework"),
            ("configure-aws-credentials", "configure-aws-credentials"),
            ("couldnotassumerolewith", "configure-aws-credentials"),
            ("checkyouractioninputs", "configure-aws-credentials"),
            ("fullyqualifiederrorid", "AWS Tools for PowerShell"),
            ("persisted/shelldefaults", "AWS Tools for PowerShell"),
            ("botocore.exceptions", "boto3"),
            ("clienterror:anerroroccurred(", "boto3"),
            ("traceback(mostrecentcalllast)", "boto3"),
            ("anerroroccurred(", "AWS CLI"),
            ("aclienterror(", "AWS CLI"),
            ("aws:[error]", "AWS CLI"),
            ("errorexecuting\"", "AWS SDK for PHP"),
            ("::errors::", "AWS SDK for Ruby"),
            ("software.amazon.awssdk", "AWS SDK for Java v2"),
            ("com.amazonaws.", "AWS SDK for Java v1"),
            ("amazon.runtime.", "AWS SDK for .NET"),
            ("$metadata", "AWS SDK for JavaScript v3"),
            ("commanderror(", "AWS SDK for JavaScript v3"),
            ("aws-sdk/lib/", "AWS SDK for JavaScript v2"),
            ("retrydelay:", "AWS SDK for JavaScript v2"),
            ("aws_request_id", "AWS SDK for Rust"),
            ("operationerror", "AWS SDK for Go v2"),
            (",requestid:", "AWS SDK for Go v1"),
            ("(awscdk)", "AWS CDK"),
            ("cdkdeploy", "AWS CDK"),
        ];
        let line = &self.text.lines[self.text.line_at(self.hit.start)];
        if line.tool.is_some() {
            return line.tool;
        }
        let tofu = self.mentions("opentofu");
        let debug = ["tf_provider_addr", "tf_backend", "\"terraform\"", "interraform"];
        if terraform || line.boxed || debug.iter().any(|mark| self.mentions(mark)) {
            return Some(if tofu { "OpenTofu" } else { "Terraform" });
        }
        let java = |mark: &str| {
            self.after().starts_with(mark) || self.after().starts_with(&format!(".{mark}"))
        };
        if java("(service:") {
            let v1 = self.after()[..self.after().floor_char_boundary(80)].contains(';');
            let own = self.mentions("resourcehandlerreturned") || self.mentions("handlererrorcode");
            if !own {
                return Some(if v1 { "AWS SDK for Java v1" } else { "AWS SDK for Java v2" });
            }
        }
        let found = MARKS.iter().find(|(mark, _)| self.mentions(mark)).map(|(_, client)| *client);
        found.or_else(|| {
            let class = self.before().ends_with("exception:") && self.before().contains("amazon.");
            class.then_some("AWS SDK for .NET")
        })
    }
}

fn known_address(address: &str) -> Option<String> {
    let start = ["aws_", "module.", "data.", "provider.", "provider["];
    let known = start.iter().any(|start| address.starts_with(start)) && address.len() <= 256;
    known.then(|| address.to_owned())
}

/// `with ADDRESS,`
fn with_address(line: &str) -> Option<String> {
    let rest = line.strip_prefix("with")?;
    let mut depth = 0_i32;
    let end = rest.find(|c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        depth <= 0 && c == ','
    })?;
    known_address(&rest[..end])
}

/// `on FILE line 1, in resource "TYPE" "NAME":`
fn on_address(line: &str) -> Option<String> {
    let (_, block) =
        line.strip_prefix("on").filter(|rest| rest.contains(".tfline"))?.split_once(",in")?;
    let names: Vec<&str> = block.split('"').skip(1).step_by(2).take(2).collect();
    match (block.split('"').next()?, names.as_slice()) {
        ("provider", [name, ..]) => Some(format!("provider.{name}")),
        ("resource", [kind, name]) => Some(format!("{kind}.{name}")),
        ("data", [kind, name]) => Some(format!("data.{kind}.{name}")),
        _ => None,
    }
}

/// `* ADDRESS: …`, `provider.aws: …`
fn leading_address(line: &str) -> Option<String> {
    let bullet = line.strip_prefix('*').or_else(|| line.strip_prefix("Error:")).unwrap_or(line);
    let (address, _) = bullet.split_once(':')?;
    let plain = |c: char| c.is_alphanumeric() || "._-[]\"".contains(c);
    let leads = line.starts_with('*') || address.starts_with("provider.");
    known_address(address).filter(|a| leads && a.contains('.') && a.chars().all(plain))
}
