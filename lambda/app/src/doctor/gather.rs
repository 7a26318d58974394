//! Reads the machine: the files of profiles, caches, the Terraform directory, CI and compose files.
//!
//! Knows where things lie. Must not judge. A file that cannot be read is noted, never an error.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::machine::{Cache, CacheKind, Document, FileState, Machine, ProfileFile, TokenFile};
use super::terraform::Terraform;
use super::{ini, jwt};
use crate::config::Variables;

/// No file that is of interest here is larger.
const LARGEST: u64 = 4 << 20;
/// How many files of a folder are looked at.
const MOST_FILES: usize = 2000;

/// Reads everything but what AWS says.
pub fn gather(
    variables: Variables,
    directory: &Path,
    profile: Option<String>,
    now: DateTime<Utc>,
) -> Machine {
    let home = ["HOME", "USERPROFILE"].iter().find_map(|name| variables.filled(name));
    let home = home.map(PathBuf::from);
    let aws = home.as_ref().map(|home| home.join(".aws"));
    let file = |variable: &str, name: &str| {
        let path = match (variables.filled(variable), &aws) {
            (Some(path), _) => Some(expanded(path, home.as_deref())),
            (None, Some(aws)) => Some(aws.join(name)),
            (None, None) => None,
        };
        path.map_or_else(ProfileFile::default, |path| profile_file(&path, home.as_deref()))
    };
    let mut caches = Vec::new();
    if let Some(aws) = &aws {
        caches.extend(read_caches(&aws.join("sso/cache"), CacheKind::Sso));
        caches.extend(read_caches(&aws.join("cli/cache"), CacheKind::Cli));
    }
    let certificates = ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
        .into_iter()
        .filter_map(|name| Some((name, variables.filled(name)?)));
    let certificates = certificates
        .map(|(name, path)| (name.to_owned(), path.to_owned(), certificate_state(Path::new(path))));
    let web_identity = variables.filled("AWS_WEB_IDENTITY_TOKEN_FILE").map(token_file);
    let github_event = variables
        .filled("GITHUB_EVENT_PATH")
        .and_then(|path| text(Path::new(path)).ok())
        .and_then(|text| serde_json::from_str(&text).ok());
    Machine {
        now,
        credentials_file: file("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        config_file: file("AWS_CONFIG_FILE", "config"),
        caches,
        terraform: terraform(directory, &variables),
        compose: documents(directory, &compose_names()),
        workflows: workflows(directory),
        container: container(),
        web_identity,
        certificates: certificates.collect(),
        github_event,
        directory: directory.to_owned(),
        profile,
        variables,
        ..Machine::default()
    }
}

fn expanded(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

fn text(path: &Path) -> Result<String, FileState> {
    let unreadable = |err: std::io::Error| match err.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => FileState::Absent,
        _ => FileState::Unreadable(err.to_string()),
    };
    let file = fs::File::open(path).map_err(unreadable)?;
    let kind = file.metadata().map_err(unreadable)?;
    if !kind.is_file() {
        return Err(FileState::Unreadable("it is not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn profile_file(path: &Path, home: Option<&Path>) -> ProfileFile {
    let shown = home.and_then(|home| path.strip_prefix(home).ok());
    let name = match shown {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    };
    let (state, ini) = match text(path) {
        Ok(text) => (FileState::Read, ini::parse(&text)),
        Err(state) => (state, ini::Ini::default()),
    };
    let path = if shown.is_some() { name.clone() } else { path.display().to_string() };
    ProfileFile { mode: mode(home, &name), name, path, state, ini }
}

#[cfg(unix)]
fn mode(home: Option<&Path>, name: &str) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let path = expanded(name, home);
    fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: Option<&Path>, _: &str) -> Option<u32> {
    None
}

/// The files of a folder whose names pass, sorted.
fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.map(|entry| (entry.file_name().to_string_lossy().into(), entry.path()));
    let mut found: Vec<(String, PathBuf)> =
        named.filter(|(name, _): &(String, _)| wanted(name)).take(MOST_FILES).collect();
    found.sort();
    found
}

fn read_caches(folder: &Path, kind: CacheKind) -> Vec<Cache> {
    let found = files(folder, |name| name.ends_with(".json"));
    found.into_iter().filter_map(|(file, path)| cache(file, &text(&path).ok()?, kind)).collect()
}

fn cache(file: String, text: &str, kind: CacheKind) -> Option<Cache> {
    let json: Json = serde_json::from_str(text).ok()?;
    let string = |value: &Json| value.as_str().map(str::to_owned);
    let time = |value: &Json| {
        // SSO writes `2025-01-14T10:00:00UTC` at times.
        let text = value.as_str()?.replace("UTC", "Z");
        DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc())
    };
    let (expires, session) = match kind {
        // Client registrations lie in the same folder and have no token.
        CacheKind::Sso => {
            json["accessToken"].as_str()?;
            (time(&json["expiresAt"]), &Json::Null)
        }
        CacheKind::Cli => (time(&json["Credentials"]["Expiration"]), &json["Credentials"]),
    };
    Some(Cache {
        kind,
        file,
        expires,
        start_url: string(&json["startUrl"]),
        renewable: json["refreshToken"].is_string(),
        access_key_id: string(&session["AccessKeyId"]),
        session_token: string(&session["SessionToken"]),
    })
}

fn terraform(directory: &Path, variables: &Variables) -> Terraform {
    let mut terraform = Terraform::default();
    let each = |wanted: &dyn Fn(&str) -> bool,
                add: &dyn Fn(&mut Terraform, &str, &str),
                terraform: &mut Terraform| {
        for (name, path) in files(directory, wanted) {
            match text(&path) {
                Ok(text) => add(terraform, &name, &text),
                Err(FileState::Unreadable(why)) => {
                    terraform.problems.push(format!("{name} cannot be read: {why}"));
                }
                Err(_) => {}
            }
        }
    };
    each(
        &|name| name.ends_with(".tf") || name.ends_with(".tofu"),
        &|terraform, name, text| terraform.add_configuration(name, text),
        &mut terraform,
    );
    each(
        &|name| name.ends_with(".tf.json"),
        &|terraform, name, _| terraform.problems.push(format!("{name} is JSON: not looked at")),
        &mut terraform,
    );
    // Terraform's order: the environment, terraform.tfvars, then *.auto.tfvars by name.
    for (name, value) in variables.iter() {
        if let Some(name) = name.strip_prefix("TF_VAR_") {
            terraform.variables.insert(name.to_owned(), value.to_owned());
        }
    }
    let add: &dyn Fn(&mut Terraform, &str, &str) =
        &|terraform, name, text| terraform.add_variables(name, text);
    each(&|name| name == "terraform.tfvars", add, &mut terraform);
    each(&|name| name.ends_with(".auto.tfvars"), add, &mut terraform);
    each(
        &|name| name.ends_with(".tfbackend") || name == "backend.hcl" || name == "backend.conf",
        &|terraform, name, text| terraform.add_backend_file(name, text),
        &mut terraform,
    );
    each(
        &|name| name == ".terraform.lock.hcl",
        &|terraform, name, text| terraform.add_lock(name, text),
        &mut terraform,
    );
    let data = variables.filled("TF_DATA_DIR").unwrap_or(".terraform");
    let name = format!("{data}/terraform.tfstate");
    if let Ok(text) = text(&directory.join(&name)) {
        terraform.add_cached(&name, &text);
    }
    for name in [".terraform-version", ".opentofu-version"] {
        if let Ok(text) = text(&directory.join(name)) {
            terraform.version_files.push((name.to_owned(), text.trim().to_owned()));
        }
    }
    if let Ok(text) = text(&directory.join(".tool-versions")) {
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("terraform "));
        terraform
            .version_files
            .extend(lines.map(|version| (".tool-versions".to_owned(), version.trim().to_owned())));
    }
    terraform
}

fn compose_names() -> Vec<String> {
    let mut names = Vec::new();
    for stem in ["compose", "docker-compose"] {
        for extension in ["yml", "yaml"] {
            names.push(format!("{stem}.{extension}"));
            names.push(format!("{stem}.override.{extension}"));
        }
    }
    names
}

fn workflows(directory: &Path) -> Vec<Document> {
    let mut found = documents(directory, &[".gitlab-ci.yml".to_owned()]);
    let folder = ".github/workflows";
    let names =
        files(&directory.join(folder), |name| name.ends_with(".yml") || name.ends_with(".yaml"));
    let names: Vec<String> =
        names.into_iter().map(|(name, _)| format!("{folder}/{name}")).collect();
    found.extend(documents(directory, &names));
    found
}

fn documents(directory: &Path, names: &[String]) -> Vec<Document> {
    let read = |name: &String| {
        let content = match text(&directory.join(name)) {
            // The message of the parser quotes the file, which may hold secrets.
            Ok(text) => serde_saphyr::from_str(&text).map_err(|_| "is not valid YAML".to_owned()),
            Err(FileState::Unreadable(why)) => Err(format!("cannot be read: {why}")),
            Err(_) => return None,
        };
        Some(Document { file: name.clone(), content })
    };
    names.iter().filter_map(read).collect()
}

fn container() -> Option<&'static str> {
    let groups = text(Path::new("/proc/1/cgroup")).unwrap_or_default();
    marks(|path| Path::new(path).exists(), &groups)
}

/// The kind of container by the files that are there and the control groups of its first process.
fn marks(exists: impl Fn(&str) -> bool, groups: &str) -> Option<&'static str> {
    if exists("/.dockerenv") {
        return Some("Docker");
    }
    if exists("/run/.containerenv") {
        return Some("Podman");
    }
    let known = ["/docker/", "/kubepods", "/ecs/"];
    known.iter().any(|mark| groups.contains(mark)).then_some("a container")
}

fn token_file(path: &str) -> TokenFile {
    let (state, claims) = match text(Path::new(path)) {
        Ok(text) => (FileState::Read, jwt::claims(&text)),
        Err(state) => (state, None),
    };
    TokenFile { path: path.to_owned(), state, claims }
}

fn certificate_state(path: &Path) -> FileState {
    match text(path) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => FileState::Read,
        Ok(_) => FileState::Unreadable("there is no certificate in it".to_owned()),
        Err(state) => state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(folder: &Path, variables: &[(&str, &str)]) -> Machine {
        let home = folder.to_string_lossy().into_owned();
        let all = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let all: Variables = all.chain([("HOME".to_owned(), home)]).collect();
        gather(all, folder, None, DateTime::UNIX_EPOCH)
    }

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn containers_are_known_by_their_marks() {
        assert_eq!(marks(|path| path == "/.dockerenv", ""), Some("Docker"));
        assert_eq!(marks(|path| path == "/run/.containerenv", ""), Some("Podman"));
        assert_eq!(marks(|_| false, "0::/kubepods/besteffort/pod1"), Some("a container"));
        assert_eq!(marks(|_| false, "0::/init.scope"), None);
    }

    #[test]
    fn reads_a_home_and_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, ".aws/credentials", "[default]\naws_access_key_id = AKIADEPLOYCI1EXAMPLE\n");
        write(
            folder,
            ".aws/sso/cache/a.json",
            r#"{"accessToken":"x","expiresAt":"2025-01-14T10:00:00UTC","startUrl":"https://x"}"#,
        );
        write(folder, ".aws/sso/cache/botocore-client.json", r#"{"clientId":"x"}"#);
        write(
            folder,
            ".aws/cli/cache/b.json",
            r#"{"Credentials":{"AccessKeyId":"ASIADEPLOYCI1EXAMPLE","SessionToken":"t",
                "Expiration":"2025-01-14T10:00:00Z"}}"#,
        );
        write(folder, "main.tf", "provider \"aws\" {\n  access_key = var.key\n}\n");
        write(folder, "terraform.tfvars", "key = \"AKIADEPLOYCI2EXAMPLE\"\n");
        write(folder, "compose.yaml", "services: {app: {environment: [AWS_ACCESS_KEY_ID]}}\n");
        write(folder, ".github/workflows/a.yml", "on: push\n");
        write(folder, ".gitlab-ci.yml", "{{ nonsense");
        let machine = machine(folder, &[("TF_VAR_other", "1")]);
        assert_eq!(machine.credentials_file.name, "~/.aws/credentials");
        assert_eq!(machine.config_file.state, FileState::Absent);
        let times: Vec<_> = machine.caches.iter().map(|c| (c.kind, c.expires.is_some())).collect();
        assert_eq!(times, [(CacheKind::Sso, true), (CacheKind::Cli, true)]);
        let provider = &machine.terraform.providers[0];
        let value = provider.value("access_key", &machine.terraform);
        assert_eq!(value, Some("AKIADEPLOYCI2EXAMPLE"));
        assert_eq!(
            machine.compose[0].content.as_ref().unwrap()["services"]["app"]["environment"][0],
            "AWS_ACCESS_KEY_ID"
        );
        assert_eq!(machine.workflows[0].content, Err("is not valid YAML".to_owned()));
        assert_eq!(machine.workflows[1].file, ".github/workflows/a.yml");
    }

    #[test]
    fn variables_move_the_files() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "mine", "[default]\nregion = eu-west-1\n");
        let path = folder.path().join("mine").to_string_lossy().into_owned();
        let machine = machine(folder.path(), &[("AWS_CONFIG_FILE", &path)]);
        assert_eq!(machine.config_file.ini.get("default", "region"), Some("eu-west-1"));
        assert_eq!(machine.config_file.name, "~/mine");
    }
}
