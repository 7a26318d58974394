//! What a Terraform directory says of credentials: provider blocks, the S3 backend, backend
//! configuration files, the cached backend, variables, versions.
//!
//! Knows where Terraform and OpenTofu keep these. Must not read files nor judge.

use std::collections::BTreeMap;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block as HclBlock, Body};
use serde_json::Value as Json;

/// A directory as Terraform sees it.
#[derive(Debug, Clone, Default)]
pub struct Terraform {
    /// How many configuration files there are.
    pub files: usize,
    /// The `provider "aws"` blocks.
    pub providers: Vec<Block>,
    /// The `backend "s3"` block.
    pub backend: Option<Block>,
    /// Constraints on versions: what, the constraint, where.
    pub constraints: Vec<Constraint>,
    /// The version of hashicorp/aws in the lock file.
    pub locked: Option<String>,
    /// The S3 backend that `terraform init` wrote down.
    pub cached: Option<Cached>,
    /// Files for `-backend-config`: name and settings.
    pub backend_files: Vec<Block>,
    /// Values of input variables that are known without running Terraform.
    pub variables: BTreeMap<String, String>,
    /// Values that look like keys in `.tfvars` files: where and which.
    pub tfvars: Vec<Block>,
    /// Versions of Terraform that version managers are told: file and version.
    pub version_files: Vec<(String, String)>,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// The settings of a block that concern credentials.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// `alias`, of a provider.
    pub alias: Option<String>,
    /// Settings by name.
    pub settings: BTreeMap<String, Setting>,
    /// Whether it assumes a role on top.
    pub assumes_role: bool,
}

/// A value in a block.
#[derive(Clone)]
pub struct Setting {
    /// From 1.
    pub line: usize,
    /// The text itself, where it is one.
    pub literal: Option<String>,
    /// The expression, where it is something else; never holds a value.
    pub expression: String,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)
    }
}

/// A constraint on a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// `terraform` or `hashicorp/aws`.
    pub of: &'static str,
    /// As written.
    pub text: String,
    /// File and line.
    pub place: String,
}

/// `.terraform/terraform.tfstate`, with an S3 backend.
#[derive(Clone, Default)]
pub struct Cached {
    /// The settings that are set.
    pub settings: BTreeMap<String, String>,
    /// The version of Terraform that wrote it, where it says.
    pub version: Option<String>,
}

impl std::fmt::Debug for Cached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.settings.keys()).finish()
    }
}

impl Block {
    /// The literal value of a setting, or that of the variable it names.
    pub fn value<'a>(&'a self, name: &str, terraform: &'a Terraform) -> Option<&'a str> {
        let setting = self.settings.get(name)?;
        setting.literal.as_deref().or_else(|| {
            let variable = setting.expression.strip_prefix("var.")?;
            terraform.variables.get(variable).map(String::as_str)
        })
    }

    /// The name in sentences: `provider aws`, `provider aws.west`.
    pub fn provider_name(&self) -> String {
        match &self.alias {
            Some(alias) => format!("provider aws.{alias}"),
            None => "provider aws".to_owned(),
        }
    }
}

impl Terraform {
    /// Adds a `.tf` or `.tofu` file.
    pub fn add_configuration(&mut self, file: &str, text: &str) {
        self.files += 1;
        let Some(body) = self.parse(file, text) else { return };
        let blocks = body.iter().filter_map(|structure| structure.as_block());
        for block in blocks {
            let label = block.labels.first().map(|label| label.as_str());
            match (block.ident.as_str(), label) {
                ("provider", Some("aws")) => self.providers.push(read_block(block, file, text)),
                ("terraform", None) => self.add_terraform_block(block, file, text),
                ("variable", Some(name)) => {
                    let default = block.body.get_attribute("default");
                    if let Some(value) = default.and_then(|default| default.value.as_str()) {
                        let name = name.to_owned();
                        self.variables.entry(name).or_insert_with(|| value.to_owned());
                    }
                }
                _ => {}
            }
        }
    }

    fn add_terraform_block(&mut self, block: &HclBlock, file: &str, text: &str) {
        let mut constrain = |of, expression: &Expression| {
            if let Some(constraint) = expression.as_str() {
                let place = format!("{file}:{}", line(text, expression.span()));
                self.constraints.push(Constraint { of, text: constraint.to_owned(), place });
            }
        };
        if let Some(version) = block.body.get_attribute("required_version") {
            constrain("terraform", &version.value);
        }
        for providers in block.body.get_blocks("required_providers") {
            let Some(aws) = providers.body.get_attribute("aws") else { continue };
            if let Some(object) = aws.value.as_object() {
                for (key, value) in object.iter() {
                    if key_name(key).as_deref() == Some("version") {
                        constrain("hashicorp/aws", value.expr());
                    }
                }
            } else {
                constrain("hashicorp/aws", &aws.value);
            }
        }
        for backend in block.body.get_blocks("backend") {
            if backend.labels.first().is_some_and(|label| label.as_str() == "s3") {
                self.backend = Some(read_block(backend, file, text));
            }
        }
    }

    /// Adds a `.tfvars` file; later ones count more.
    pub fn add_variables(&mut self, file: &str, text: &str) {
        let Some(body) = self.parse(file, text) else { return };
        let block = read_body(&body, file, text, 1);
        for (name, setting) in &block.settings {
            if let Some(value) = &setting.literal {
                self.variables.insert(name.clone(), value.clone());
            }
        }
        self.tfvars.push(block);
    }

    /// Adds a file that is meant for `-backend-config`.
    pub fn add_backend_file(&mut self, file: &str, text: &str) {
        if let Some(body) = self.parse(file, text) {
            self.backend_files.push(read_body(&body, file, text, 1));
        }
    }

    /// Adds `.terraform.lock.hcl`.
    pub fn add_lock(&mut self, file: &str, text: &str) {
        let Some(body) = self.parse(file, text) else { return };
        for block in body.get_blocks("provider") {
            let aws = block
                .labels
                .first()
                .is_some_and(|label| label.as_str().ends_with("/hashicorp/aws"));
            if aws && let Some(version) = block.body.get_attribute("version") {
                self.locked = version.value.as_str().map(str::to_owned);
            }
        }
    }

    /// Adds `.terraform/terraform.tfstate`.
    pub fn add_cached(&mut self, file: &str, text: &str) {
        let json: Json = match serde_json::from_str(text) {
            Ok(json) => json,
            Err(_) => return self.problems.push(format!("{file} is not JSON")),
        };
        let backend = &json["backend"];
        if backend["type"] != "s3" {
            return;
        }
        let settings = backend["config"].as_object().into_iter().flatten();
        let settings = settings.filter_map(|(name, value)| match value {
            Json::String(text) if !text.is_empty() => Some((name.clone(), text.clone())),
            _ => None,
        });
        self.cached = Some(Cached {
            settings: settings.collect(),
            version: json["terraform_version"].as_str().map(str::to_owned),
        });
    }

    fn parse(&mut self, file: &str, text: &str) -> Option<Body> {
        match hcl_edit::parser::parse_body(text) {
            Ok(body) => Some(body),
            Err(err) => {
                // The message quotes the line, which may hold a secret: only its place is told.
                let place = err.location();
                self.problems.push(format!("{file}:{} is not valid HCL", place.line()));
                None
            }
        }
    }
}

fn read_block(block: &HclBlock, file: &str, text: &str) -> Block {
    let mut read = read_body(&block.body, file, text, line(text, block.span()));
    read.alias = read.settings.get("alias").and_then(|alias| alias.literal.clone());
    read.assumes_role = block.body.get_blocks("assume_role").next().is_some()
        || read.settings.contains_key("role_arn")
        || read.settings.contains_key("assume_role");
    read
}

fn read_body(body: &Body, file: &str, text: &str, at: usize) -> Block {
    let settings = body.attributes().map(|attribute| {
        let literal = attribute.value.as_str().map(str::to_owned);
        let expression = match literal {
            Some(_) => String::new(),
            None => attribute.value.to_string().trim().to_owned(),
        };
        let line = line(text, attribute.span());
        (attribute.key.as_str().to_owned(), Setting { line, literal, expression })
    });
    Block {
        file: file.to_owned(),
        line: at,
        alias: None,
        settings: settings.collect(),
        assumes_role: body.get_blocks("assume_role").next().is_some(),
    }
}

fn key_name(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(expression) => expression.as_str().map(str::to_owned),
    }
}

fn line(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start).min(text.len());
    text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = r#"
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
  backend "s3" {
    bucket  = "state"
    profile = "ops"
  }
}

variable "key" { default = "AKIADEPLOYCI1EXAMPLE" }

provider "aws" {
  region     = "eu-west-1"
  access_key = var.key
}

provider "aws" {
  alias = "west"
  assume_role {
    role_arn = "arn:aws:iam::111122223333:role/deploy"
  }
}
"#;

    #[test]
    fn reads_providers_backend_and_versions_with_their_places() {
        let mut terraform = Terraform::default();
        terraform.add_configuration("main.tf", MAIN);
        assert_eq!(terraform.problems, [""; 0]);
        let [first, west] = terraform.providers.as_slice() else { panic!("{terraform:?}") };
        assert_eq!(first.value("access_key", &terraform), Some("AKIADEPLOYCI1EXAMPLE"));
        assert_eq!((first.line, first.settings["access_key"].line), (18, 20));
        assert_eq!(first.settings["access_key"].expression, "var.key");
        assert_eq!(west.provider_name(), "provider aws.west");
        assert!(west.assumes_role && !first.assumes_role);
        let backend = terraform.backend.as_ref().unwrap();
        assert_eq!(backend.value("profile", &terraform), Some("ops"));
        let constraints: Vec<_> = terraform
            .constraints
            .iter()
            .map(|c| (c.of, c.text.as_str(), c.place.as_str()))
            .collect();
        assert_eq!(
            constraints,
            [("terraform", ">= 1.5", "main.tf:3"), ("hashicorp/aws", "~> 5.0", "main.tf:7")]
        );
    }

    #[test]
    fn reads_what_init_wrote() {
        let mut terraform = Terraform::default();
        terraform.add_lock(
            ".terraform.lock.hcl",
            "provider \"registry.terraform.io/hashicorp/aws\" {\n  version = \"5.100.0\"\n}\n",
        );
        terraform.add_cached(
            ".terraform/terraform.tfstate",
            r#"{"version":3,"terraform_version":"1.9.5","backend":{"type":"s3","config":
               {"bucket":"state","access_key":"AKIADEPLOYCI1EXAMPLE","token":null,"profile":""}}}"#,
        );
        assert_eq!(terraform.locked.as_deref(), Some("5.100.0"));
        let cached = terraform.cached.unwrap();
        assert_eq!(cached.settings.keys().collect::<Vec<_>>(), ["access_key", "bucket"]);
        assert_eq!(cached.version.as_deref(), Some("1.9.5"));
    }

    #[test]
    fn a_broken_file_is_named_without_its_text() {
        let mut terraform = Terraform::default();
        terraform
            .add_configuration("main.tf", "provider \"aws\" {\n  secret_key = SECRET SECRET\n}\n");
        assert_eq!(terraform.problems, ["main.tf:2 is not valid HCL"]);
    }

    #[test]
    fn files_of_variables_override_defaults() {
        let mut terraform = Terraform::default();
        terraform.add_configuration("main.tf", MAIN);
        terraform.add_variables("terraform.tfvars", "key = \"AKIADEPLOYCI2EXAMPLE\"\n");
        let value = terraform.providers[0].value("access_key", &terraform);
        assert_eq!(value, Some("AKIADEPLOYCI2EXAMPLE"));
    }
}
