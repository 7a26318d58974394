"""`doctor` on made-up machines: each check finds what it is for, and is quiet where it is not."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import ROOT, Program, Run

SECRET = "abcdefghijABCDEFGHIJ0123456789/+abcdEFGH"
KEY = "AKIADEPLOYCI1EXAMPLE"
OTHER = "AKIADEPLOYCI2EXAMPLE"
SESSION = "ASIADEPLOYCI1EXAMPLE"
TOKEN = "IQoJb3JpZ2lu" * 30
OTHER_TOKEN = "FwoGZXIvYXdz" * 30
SCHEMA = json.loads((ROOT / "docs" / "doctor.schema.json").read_text())

LONG_TERM = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
TEMPORARY = {"AWS_ACCESS_KEY_ID": SESSION, "AWS_SECRET_ACCESS_KEY": SECRET}
WHOLE = {**TEMPORARY, "AWS_SESSION_TOKEN": TOKEN}


def profile(name: str = "default", key: str = KEY, **more: str) -> str:
    lines = {"aws_access_key_id": key, "aws_secret_access_key": SECRET, **more}
    return f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in lines.items()) + "\n"


def jwt(**claims: Any) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.c2ln"


CREDENTIALS, CONFIG = "home/.aws/credentials", "home/.aws/config"
ROLE = "arn:aws:iam::111122223333:role/deploy"
BACKEND = 'terraform {\n  backend "s3" {\n    bucket = "state"\n    profile = "ops"\n  }\n}\n'
STATE = "dir/.terraform/terraform.tfstate"
LOCK = 'provider "registry.terraform.io/hashicorp/aws" {\n  version = "%s"\n}\n'
REQUIRED = 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws", version = "%s" }\n  }\n}\n'
OIDC = """
on: push
%sjobs:
  plan:
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: { role-to-assume: "arn:aws:iam::111122223333:role/deploy", aws-region: eu-west-1 }
"""
COMPOSE = "services:\n  app:\n    environment:\n      - AWS_ACCESS_KEY_ID\n      - AWS_SECRET_ACCESS_KEY\n"


def state(**config: str) -> str:
    return json.dumps({"version": 3, "terraform_version": "1.9.5",
                       "backend": {"type": "s3", "config": config}})


@dataclass
class Case:
    """A machine, and what one check must say of it."""

    check: str
    status: str
    says: str = ""
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    args: list[str] = field(default_factory=list)
    cause: str | None = None
    command: str | None = None


SSO = "[profile dev]\nsso_session = corp\nsso_account_id = 111122223333\n"
SSO_SESSION = "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n"
DEV = {"AWS_PROFILE": "dev"}


def sso_cache(expires: str, **more: str) -> dict[str, str]:
    text = {"accessToken": "hidden", "startUrl": "https://corp.example/start/", "expiresAt": expires}
    return {"home/.aws/sso/cache/a.json": json.dumps({**text, **more})}


def cli_cache(expires: str) -> dict[str, str]:
    session = {"AccessKeyId": SESSION, "SecretAccessKey": SECRET, "SessionToken": TOKEN}
    return {"home/.aws/cli/cache/b.json": json.dumps(
        {"Credentials": {**session, "Expiration": expires}})}


PAST, FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"

CASES = [
    # 1. Quick checks
    Case("variables-set", "ok", "AKIA****MPLE", LONG_TERM),
    Case("variables-set", "not-applicable"),
    Case("variables-complete", "failed", "without AWS_SECRET_ACCESS_KEY",
         {"AWS_ACCESS_KEY_ID": KEY}, cause="stale-credentials", command="unset AWS_ACCESS_KEY_ID"),
    Case("variables-complete", "failed", "without AWS_ACCESS_KEY_ID",
         {"AWS_SECRET_ACCESS_KEY": SECRET, "CI": "true"}, cause="ci-secret"),
    Case("variables-complete", "warning", "set and empty",
         {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}),
    Case("variables-complete", "warning", "AWS_SESSION_TOKEN", {**LONG_TERM, "AWS_SESSION_TOKEN": ""}),
    Case("variables-complete", "warning", "without a key ID", {"AWS_SESSION_TOKEN": TOKEN}),
    Case("variables-complete", "ok", env=WHOLE),
    Case("token-fits-key", "failed", "is not set", TEMPORARY, cause="session-token-missing",
         command='eval "$(aws configure export-credentials --profile PROFILE --format env)"'),
    Case("token-fits-key", "failed", "left over", {**LONG_TERM, "AWS_SESSION_TOKEN": TOKEN},
         cause="session-token-missing", command="unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN"),
    Case("token-fits-key", "ok", env=WHOLE),
    Case("token-fits-key", "ok", env=LONG_TERM),
    Case("one-token", "failed", "different tokens", {**WHOLE, "AWS_SECURITY_TOKEN": OTHER_TOKEN},
         cause="session-token-missing"),
    Case("one-token", "warning", "do not read", {**TEMPORARY, "AWS_SECURITY_TOKEN": TOKEN}),
    Case("one-token", "ok", env=WHOLE),
    Case("token-of-this-session", "failed", "two sessions are mixed",
         {**WHOLE, "AWS_ACCESS_KEY_ID": "ASIADEPLOYCI9EXAMPLE"}, cli_cache(FUTURE),
         cause="session-token-missing"),
    Case("token-of-this-session", "failed", "another session token",
         {**TEMPORARY, "AWS_SESSION_TOKEN": OTHER_TOKEN}, cli_cache(FUTURE)),
    Case("token-of-this-session", "ok", env=WHOLE, files=cli_cache(FUTURE)),
    Case("environment-over-profile", "warning", "which AWS_PROFILE asks for",
         {**LONG_TERM, "AWS_PROFILE": "ops"}, {CREDENTIALS: profile("ops", OTHER)},
         cause="stale-credentials",
         command="unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SECURITY_TOKEN"),
    Case("environment-over-profile", "ok", "the same key", LONG_TERM, {CREDENTIALS: profile()}),
    Case("environment-over-profile", "ok", "counts more", LONG_TERM,
         {CREDENTIALS: profile("ops", OTHER)}, ["--profile", "ops"]),
    Case("profile-exists", "failed", "in neither file", {"AWS_PROFILE": "Ops"},
         {CREDENTIALS: profile("ops")}, command="export AWS_PROFILE=ops"),
    Case("profile-exists", "failed", "--profile asks", args=["--profile", "nobody"]),
    Case("profile-exists", "warning", "the AWS CLI takes the second",
         {"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"}, {CREDENTIALS: profile("a") + profile("b")}),
    Case("profile-exists", "ok", env={"AWS_PROFILE": "ops"}, files={CREDENTIALS: profile("ops")}),
    Case("region-set", "warning", "clients differ",
         {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}),
    Case("region-set", "ok", "eu-west-1 (profile default)",
         files={CONFIG: "[default]\nregion = eu-west-1\n"}),
    Case("ca-bundle", "failed", "not there", {"AWS_CA_BUNDLE": "/nowhere.pem"},
         command="unset AWS_CA_BUNDLE"),
    Case("endpoint-overrides", "warning", "another place than AWS",
         {**LONG_TERM, "AWS_ENDPOINT_URL_STS": "http://user:hidden@localhost:4566"},
         command="unset AWS_ENDPOINT_URL_STS"),
    Case("endpoint-overrides", "failed", "emulators", {**LONG_TERM, "AWS_ACCESS_KEY_ID": "test"},
         cause="key-malformed"),
    Case("endpoint-overrides", "ok", env={
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": "http://localhost:4566"}),
    # 2. Format
    Case("access-key-id", "failed", "never filled in",
         {**LONG_TERM, "AWS_ACCESS_KEY_ID": "${AWS_KEY}"}, cause="key-malformed"),
    Case("access-key-id", "failed", "swapped",
         {"AWS_ACCESS_KEY_ID": SECRET, "AWS_SECRET_ACCESS_KEY": KEY}, cause="key-malformed"),
    Case("access-key-id", "failed", "quotation marks", {**LONG_TERM, "AWS_ACCESS_KEY_ID": f'"{KEY}"'}),
    Case("access-key-id", "ok", "of account 171436882533",
         {**LONG_TERM, "AWS_ACCESS_KEY_ID": "AKIASP2TPHJSQH3FJXYZ"}),
    Case("secret-access-key", "failed", "URL-encoded",
         {**LONG_TERM, "AWS_SECRET_ACCESS_KEY": SECRET.replace("/", "%2F")}, cause="signature-mismatch"),
    Case("secret-access-key", "failed", "carriage return",
         {**LONG_TERM, "AWS_SECRET_ACCESS_KEY": SECRET + "\r"}),
    Case("secret-access-key", "failed", "base64",
         {**LONG_TERM, "AWS_SECRET_ACCESS_KEY": base64.b64encode(SECRET.encode()).decode()}),
    Case("secret-access-key", "ok", "are legal in it", LONG_TERM),
    Case("session-token", "failed", "newline", {**WHOLE, "AWS_SESSION_TOKEN": TOKEN + "\n"},
         cause="session-token-missing"),
    Case("session-token", "warning", "cut", {**WHOLE, "AWS_SESSION_TOKEN": TOKEN[:-1]}),
    Case("session-token", "failed", "without its session token",
         files={CREDENTIALS: profile(key=SESSION)}, cause="session-token-missing",
         command="aws configure set aws_session_token TOKEN --profile default"),
    Case("session-token", "failed", "left over",
         files={CREDENTIALS: profile(aws_session_token=TOKEN)}, cause="session-token-missing"),
    Case("session-token", "ok", env=WHOLE),
    # 3. Precedence
    Case("aws-cli", "warning", "shadowed: profile default (AKIA****MPLE)", LONG_TERM,
         {CREDENTIALS: profile(key=OTHER)}, cause="stale-credentials"),
    Case("aws-cli", "ok", "profile default (AKIA****MPLE)", files={CREDENTIALS: profile()}),
    Case("aws-cli", "ok", f"role {ROLE} by profile base", DEV, {
        CREDENTIALS: profile("base"),
        CONFIG: f"[profile dev]\nrole_arn = {ROLE}\nsource_profile = base\n"}),
    Case("aws-cli", "warning", "IAM Identity Center corp); shadowed: profile dev (AKIA****MPLE)", DEV,
         {CONFIG: SSO + SSO_SESSION, CREDENTIALS: profile("dev")}),
    Case("aws-sdk", "warning", "profile dev (AKIA****MPLE); shadowed: profile dev (IAM", DEV,
         {CONFIG: SSO + SSO_SESSION, CREDENTIALS: profile("dev")}),
    Case("aws-sdk", "ok", "profile default (AKIA****MPLE)", files={CREDENTIALS: profile()}),
    Case("terraform-provider", "warning", "provider aws block (AKIA****MPLE); shadowed: environment",
         WHOLE, {"dir/main.tf": f'provider "aws" {{\n  access_key = "{KEY}"\n  secret_key = "{SECRET}"\n}}\n'}),
    Case("terraform-provider", "failed", "half of a pair",
         files={"dir/main.tf": f'provider "aws" {{\n  access_key = "{KEY}"\n}}\n'}),
    Case("terraform-provider", "warning", "main.tf:1): profile ops (AKIA****MPLE)", WHOLE, {
        "dir/main.tf": 'provider "aws" {\n  profile = "ops"\n}\n', CREDENTIALS: profile("ops")}),
    Case("terraform-provider", "ok", "var.key", files={
        "dir/main.tf": 'provider "aws" {\n  access_key = var.key\n}\n'}),
    Case("terraform-backend", "warning", "profile ops (AKIA****MPLE)", LONG_TERM,
         {"dir/main.tf": BACKEND, CREDENTIALS: profile("ops", OTHER)}),
    Case("terraform-backend", "warning", "-backend-config prod.tfbackend (AKIA****MPLE)", WHOLE, {
        "dir/main.tf": BACKEND,
        "dir/prod.tfbackend": f'access_key = "{OTHER}"\nsecret_key = "{SECRET}"\n'}),
    Case("provider-and-backend", "warning", "says nothing of the other", LONG_TERM,
         {"dir/main.tf": BACKEND, CREDENTIALS: profile("ops", OTHER)}, cause="stale-credentials",
         command="terraform init -reconfigure"),
    Case("provider-and-backend", "ok", env=LONG_TERM, files={
        "dir/main.tf": BACKEND.replace('    profile = "ops"\n', "")}),
    Case("cached-backend", "warning", "from an earlier init", files={
        "dir/main.tf": BACKEND, STATE: state(access_key=OTHER, secret_key=SECRET)},
         cause="stale-credentials"),
    Case("cached-backend", "warning", "was old at the last init", files={
        "dir/main.tf": BACKEND, STATE: state(profile="old")}),
    Case("cached-backend", "ok", files={"dir/main.tf": BACKEND, STATE: state(profile="ops")}),
    Case("keys-in-files", "warning", "access_key in main.tf:2 and secret_key in main.tf:3", files={
        "dir/main.tf": f'provider "aws" {{\n  access_key = "{KEY}"\n  secret_key = "{SECRET}"\n}}\n'}),
    Case("keys-in-files", "warning", "key in terraform.tfvars:1", files={
        "dir/main.tf": 'variable "key" {}\n', "dir/terraform.tfvars": f'key = "{KEY}"\n'}),
    Case("keys-in-files", "ok", files={"dir/main.tf": BACKEND}),
    Case("terraform-files", "warning", "main.tf:1 is not valid HCL", files={"dir/main.tf": "provider {{{"}),
    Case("terraform-files", "ok", files={"dir/main.tf": BACKEND}),
    # 4. Profiles and files
    Case("credentials-file", "failed", "has to be [dev]", files={CREDENTIALS: profile("profile dev")}),
    Case("credentials-file", "failed", "repeats section", files={CREDENTIALS: profile() + profile()},
         cause="stale-credentials"),
    Case("credentials-file", "failed", "meant is aws_secret_access_key", files={
        CREDENTIALS: "[default]\naws_secret_key = x\n"}),
    Case("credentials-file", "ok", files={CREDENTIALS: profile()}),
    Case("config-file", "failed", "has to be [profile dev]", files={CONFIG: "[dev]\nregion = x\n"}),
    Case("config-file", "ok", files={CONFIG: SSO + SSO_SESSION}),
    Case("file-permissions", "warning", "mode 644", files={CREDENTIALS: profile()},
         command="chmod 600 ~/.aws/credentials"),
    Case("source-profiles", "failed", "circle: a → b → a", files={
        CONFIG: f"[profile a]\nrole_arn = {ROLE}\nsource_profile = b\n"
                f"[profile b]\nrole_arn = {ROLE}\nsource_profile = a\n"}),
    Case("source-profiles", "failed", "in neither file", files={
        CONFIG: f"[profile a]\nrole_arn = {ROLE}\nsource_profile = b\n"}),
    Case("source-profiles", "failed", "nothing to assume it with", files={
        CONFIG: f"[profile a]\nrole_arn = {ROLE}\n"}),
    Case("source-profiles", "ok", files={
        CREDENTIALS: profile("b"), CONFIG: f"[profile a]\nrole_arn = {ROLE}\nsource_profile = b\n"}),
    Case("sso-session", "failed", "ended", DEV, {CONFIG: SSO + SSO_SESSION, **sso_cache(PAST)},
         cause="session-token-expired", command="aws sso login --profile dev"),
    Case("sso-session", "warning", "can be renewed", DEV,
         {CONFIG: SSO + SSO_SESSION, **sso_cache(PAST, refreshToken="hidden")}),
    Case("sso-session", "failed", "nobody has logged in", DEV, {CONFIG: SSO + SSO_SESSION}),
    Case("sso-session", "failed", "there is no [sso-session corp]", DEV, {CONFIG: SSO}),
    Case("sso-session", "ok", "ends in", DEV, {CONFIG: SSO + SSO_SESSION, **sso_cache(FUTURE)}),
    Case("cached-sessions", "failed", "the environment holds ASIA****MPLE", WHOLE, cli_cache(PAST),
         cause="session-token-expired"),
    Case("cached-sessions", "ok", "ended: 1", files=cli_cache(PAST)),
    Case("credential-process", "not-applicable", "not run", DEV, {
        CONFIG: "[profile dev]\ncredential_process = touch ran\n"}),
    # 6. Containers and CI
    Case("place", "ok", "GitHub Actions", {"GITHUB_ACTIONS": "true"}),
    Case("place", "ok", "ECS", {"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x"}),
    Case("passed-to-container", "failed", "AWS_SESSION_TOKEN was not",
         {**TEMPORARY, "ECS_CONTAINER_METADATA_URI_V4": "x"}, cause="session-token-missing"),
    Case("passed-to-container", "warning", "hides the task role",
         {**LONG_TERM, "ECS_CONTAINER_METADATA_URI_V4": "x"}, cause="container-environment"),
    Case("passed-to-container", "warning", "hides the role of the function",
         {**LONG_TERM, "AWS_LAMBDA_FUNCTION_NAME": "f"}),
    Case("passed-to-container", "warning", "no credentials were passed in",
         {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}),
    Case("passed-to-container", "ok", env={**WHOLE, "AWS_LAMBDA_FUNCTION_NAME": "f"}),
    Case("container-credentials", "warning", "no task role", {"ECS_CONTAINER_METADATA_URI_V4": "x"}),
    Case("container-credentials", "ok", env={"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}),
    Case("compose", "failed", "the key here is a temporary one", TEMPORARY,
         {"dir/compose.yml": COMPOSE}, cause="container-environment"),
    Case("compose", "warning", "no AWS_SESSION_TOKEN", LONG_TERM, {"dir/docker-compose.yaml": COMPOSE}),
    Case("compose", "warning", "which is not set here", files={"dir/compose.yml":
         "services: {app: {environment: {AWS_ACCESS_KEY_ID: '${AWS_ACCESS_KEY_ID}'}}}\n"}),
    Case("compose", "warning", "written into it", files={"dir/compose.yml":
         f"services: {{app: {{environment: {{AWS_ACCESS_KEY_ID: {KEY}}}}}}}\n"}),
    Case("compose", "warning", "not valid YAML", files={"dir/compose.yml": "{{ secret"}),
    Case("compose", "ok", files={"dir/compose.yml": COMPOSE + "      - AWS_SESSION_TOKEN\n"}),
    Case("web-identity", "failed", "not there",
         {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": ROLE}, cause="oidc-token-rejected"),
    Case("web-identity", "failed", "expired",
         {"AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": ROLE},
         {"dir/token": jwt(iss="https://x", aud="sts.amazonaws.com", exp=1_600_000_000)},
         cause="oidc-token-rejected"),
    Case("web-identity", "failed", "without AWS_ROLE_ARN", {"AWS_WEB_IDENTITY_TOKEN_FILE": "token"},
         {"dir/token": jwt(aud="sts.amazonaws.com")}),
    Case("web-identity", "failed", "no JSON Web Token",
         {"AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": ROLE}, {"dir/token": "nothing"}),
    Case("web-identity", "warning", "the audience other",
         {"AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": ROLE},
         {"dir/token": jwt(iss="https://x", aud="other", exp=4_000_000_000)}),
    Case("web-identity", "ok", "https://x",
         {"AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": ROLE},
         {"dir/token": jwt(iss="https://x", aud=["sts.amazonaws.com"], exp=4_000_000_000)}),
    Case("ci-secrets", "failed", "never filled in",
         {**LONG_TERM, "AWS_ACCESS_KEY_ID": "${{ secrets.KEY }}", "GITHUB_ACTIONS": "true"},
         cause="ci-secret"),
    Case("ci-secrets", "warning", "long-term key", {**LONG_TERM, "GITLAB_CI": "true"}),
    Case("ci-secrets", "ok", env={**WHOLE, "GITHUB_ACTIONS": "true"}),
    Case("fork", "failed", "from a fork",
         {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": "event"},
         {"dir/event": json.dumps({"pull_request": {"head": {"repo": {"fork": True}}}})},
         cause="ci-secret"),
    Case("fork", "ok", env={"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push"}),
    Case("fork", "warning", "not protected", {"GITLAB_CI": "true", "CI_COMMIT_REF_PROTECTED": "false"}),
    Case("oidc", "failed", "job plan assumes a role by OIDC and may not ask", files={
        "dir/.github/workflows/a.yml": OIDC % ""}, cause="oidc-token-rejected"),
    Case("oidc", "ok", files={
        "dir/.github/workflows/a.yml": OIDC % "permissions: { id-token: write }\n"}),
    Case("oidc", "failed", "CI_JOB_JWT", files={
        "dir/.gitlab-ci.yml": "job: {script: ['echo $CI_JOB_JWT_V2']}\n"}),
    Case("oidc", "warning", "context", {"CIRCLECI": "true"}),
    # 7. Versions
    Case("terraform-version", "warning", "does not know sso_session", files={
        "dir/.terraform-version": "1.5.7\n", CONFIG: SSO + SSO_SESSION}),
    Case("terraform-version", "ok", "1.5.7", files={"dir/.terraform-version": "1.5.7\n"}),
    Case("terraform-version", "ok", "1.9.5", files={STATE: state(profile="ops")}),
    Case("provider-version", "warning", "passed over in silence", files={
        "dir/main.tf": 'provider "aws" {\n  profile = "ops"\n}\n',
        "dir/.terraform.lock.hcl": LOCK % "3.76.1"}),
    Case("provider-version", "ok", files={"dir/.terraform.lock.hcl": LOCK % "3.76.1"}),
    Case("lock-file", "warning", "asks for ~> 6.0", files={
        "dir/main.tf": REQUIRED % "~> 6.0", "dir/.terraform.lock.hcl": LOCK % "5.100.0"},
         command="terraform init -upgrade"),
    Case("lock-file", "ok", files={
        "dir/main.tf": REQUIRED % "~> 5.0", "dir/.terraform.lock.hcl": LOCK % "5.100.0"}),
]


class Doctor:
    """`doctor` in a home and a directory of the test's own."""

    def __init__(self, program: Program):
        self.program = program
        self.home = program.folder / "home"
        self.dir = program.folder / "dir"
        self.home.mkdir()
        self.dir.mkdir()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.program.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o644)

    def run(self, *args: str, env: dict[str, str] | None = None) -> Run:
        # No test may ask the instance metadata of the machine that it runs on.
        quiet = {} if "--offline" in args else {"AWS_EC2_METADATA_DISABLED": "true"}
        done = subprocess.run(
            [self.program.path, "doctor", *args], cwd=self.dir, capture_output=True,
            env={"HOME": str(self.home), **quiet, **(env or {})},
        )
        run = Run(done.returncode, done.stdout.decode(), done.stderr.decode())
        for text in (run.out, run.err):
            for secret in (SECRET, TOKEN, OTHER_TOKEN, "hidden"):
                assert secret not in text
        return run

    def json(self, *args: str, env: dict[str, str] | None = None) -> dict[str, Any]:
        run = self.run("--format", "json", *args, env=env)
        assert run.code in (0, 1), run.err
        answer = run.json
        jsonschema.validate(answer, SCHEMA)
        assert sum(answer["counts"].values()) == len(answer["checks"])
        assert KEY not in run.out and SESSION not in run.out
        return answer


@pytest.fixture
def doctor(program: Program) -> Doctor:
    return Doctor(program)


def found(answer: dict[str, Any], check: str, says: str = "") -> dict[str, Any]:
    all_of = [one for one in answer["checks"] if one["id"] == check]
    assert all_of, f"no check {check}"
    return next((one for one in all_of if says in one["found"]), all_of[0])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}-{case.status}")
def test_check(doctor: Doctor, case: Case) -> None:
    doctor.write(case.files)
    check = found(doctor.json("--offline", *case.args, env=case.env), case.check, case.says)
    assert (check["status"], check["found"]) == (case.status, check["found"])
    assert case.says in check["found"]
    if case.cause:
        assert check["cause"]["id"] == case.cause
    if case.command:
        assert case.command in [fix["command"] for fix in check["fixes"]]
    if case.status == "failed":
        assert check["fixes"], "what failed comes with a way out"


def test_each_check_is_tested_in_a_good_and_in_a_bad_machine(doctor: Doctor) -> None:
    """Those of the live group are in test_doctor_live.py."""
    seen = {one["id"] for one in doctor.json("--offline")["checks"]} - {"identity", "key-format"}
    bad = {case.check for case in CASES if case.status in ("warning", "failed")}
    good = {case.check for case in CASES if case.status in ("ok", "not-applicable")}
    of_this_machine = {"instance-metadata"}  # Only the network could make it bad.
    assert seen - bad - of_this_machine - {"variables-set", "place", "credential-process"} == set()
    assert seen - good - of_this_machine - {"ca-bundle", "file-permissions"} == set()


def test_offline_runs_and_sends_nothing(doctor: Doctor) -> None:
    doctor.write({CONFIG: "[profile dev]\ncredential_process = touch ran\n", CREDENTIALS: profile()})
    answer = doctor.json("--offline", "--profile", "dev", env={
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert found(answer, "identity")["status"] == "not-applicable"
    assert not (doctor.dir / "ran").exists()


def test_the_verdict_has_cause_confidence_and_command(doctor: Doctor) -> None:
    answer = doctor.json("--offline", env=TEMPORARY)
    verdict = answer["verdict"]
    assert (verdict["cause"]["id"], verdict["cause"]["confidence"]) == ("session-token-missing", "high")
    assert verdict["first_command"].startswith("eval ")
    assert any("is not set" in fact for fact in verdict["because"])


def test_causes_are_those_of_the_monitor(doctor: Doctor) -> None:
    listed = doctor.program.run("causes", "--json").json["causes"]
    known = {cause["id"]: cause["title"] for cause in listed}
    for case in CASES:
        assert case.cause is None or case.cause in known, case
    verdict = doctor.json("--offline", env=TEMPORARY)["verdict"]["cause"]
    assert verdict["title"] == known[verdict["id"]]


def test_exit_code_only_when_asked_and_something_failed(doctor: Doctor) -> None:
    assert doctor.run("--offline", env=TEMPORARY).code == 0
    assert doctor.run("--offline", "--exit-code", env=TEMPORARY).code == 1
    assert doctor.run("--offline", "--exit-code", env=WHOLE).code == 0
    assert doctor.run("--offline", "--dir", "nowhere").code == 2


def test_dir_is_where_terraform_is_looked_for(doctor: Doctor) -> None:
    doctor.write({"other/main.tf": BACKEND})
    assert found(doctor.json("--offline"), "terraform-files")["status"] == "not-applicable"
    answer = doctor.json("--offline", "--dir", str(doctor.program.folder / "other"))
    assert found(answer, "terraform-files")["status"] == "ok"


def test_text_is_80_columns_but_for_commands_and_never_hostile(doctor: Doctor) -> None:
    doctor.write({CONFIG: "[\x1b[31mred]\nregion = x\n", CREDENTIALS: profile("profile dev")})
    text = doctor.run("--offline", env={**TEMPORARY, "AWS_PROFILE": "\x1b]0;title\x07"}).out
    assert "\x1b" not in text and "Verdict:" in text
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        assert len(line) <= 80 or indent in (6, 18), line
    for title in ("Quick checks", "Format", "Precedence", "Profiles and files", "Live",
                  "Containers and CI", "Versions"):
        assert f"\n{title}\n" in text


def test_markdown_begins_with_the_verdict_and_escapes(doctor: Doctor) -> None:
    text = doctor.run("--offline", "--format", "markdown",
                      env={**TEMPORARY, "AWS_PROFILE": "<b>x</b>"}).out
    assert text.startswith("## AWS credentials on this machine\n\n**The session token is missing")
    assert "<b>" not in text and "```sh\neval" in text


def test_a_slow_folder_of_files_is_no_trouble(doctor: Doctor) -> None:
    for number in range(300):
        (doctor.dir / f"{number}.tf").write_text(f'variable "v{number}" {{}}\n')
    begun = time.monotonic()
    answer = doctor.json("--offline")
    assert found(answer, "terraform-files")["found"] == "Terraform files read: 300"
    assert time.monotonic() - begun < 10
    assert os.listdir(doctor.home) == []
