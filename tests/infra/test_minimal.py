"""The least that a user types, with the package built on the way, and a state that is shared.

The compiler is a stand-in here: what is tested is when Terraform builds. `.ci/run` builds the real
package, and test_deployed.py runs the real program.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import FilledMoto
from .stack import leftovers, stand_in
from .terraform import FEW_RETRIES, ROOT, Terraform

BACKEND = """
terraform {
  backend "s3" {
    bucket         = "example-state"
    key            = "failure-monitor.tfstate"
    region         = "us-east-1"
    use_lockfile   = true
    use_path_style = true
  }
}
"""

# In place of the compiler: what it "builds" follows from the sources alone.
CARGO = f"""#!{sys.executable}
import pathlib, sys
with open("BUILDS", "a") as builds:
    builds.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "lambda":
    sys.exit("error: no such command: `lambda`")
if pathlib.Path("BROKEN").exists():
    sys.exit("error: could not compile `failure-monitor`")
sources = sorted(pathlib.Path("lambda").glob("*/src/**/*.rs"))
out = pathlib.Path("target/lambda/bootstrap")
out.parent.mkdir(parents=True, exist_ok=True)
out.write_bytes(b"#!/bin/sh\\n" + b"".join(path.read_bytes() for path in sources))
"""


@pytest.fixture(scope="module")
def repository(aws: FilledMoto, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone would hold of this checkout, and the bucket of the state."""
    aws.client("s3").create_bucket(Bucket="example-state")
    folder = tmp_path_factory.mktemp("repository")
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "infra", "lambda",
         "Cargo.toml", "Cargo.lock"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


class Checkout(Terraform):
    """A fresh clone of the repository, with a compiler of its own and the shared state."""

    def __init__(self, repository: Path, folder: Path, aws: FilledMoto):
        shutil.copytree(repository, folder)
        super().__init__(folder / "infra", aws.url)
        self.root = folder
        (self.folder / "backend.tf").write_text(BACKEND)
        (self.folder / "tests_override.tf").write_text(FEW_RETRIES)
        tools = folder / "tools"
        tools.mkdir()
        (tools / "cargo").write_text(CARGO)
        (tools / "cargo").chmod(0o755)
        self.more["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
        self.init()

    @property
    def builds(self) -> int:
        log = self.root / "BUILDS"
        lines = log.read_text().splitlines() if log.exists() else []
        return len([line for line in lines if line.startswith("build ")])


def deployed_code(aws: FilledMoto) -> dict[str, str]:
    client = aws.client("lambda")
    return {
        name: client.get_function_configuration(FunctionName=f"failure-monitor-{name}")["CodeSha256"]
        for name in ("monitor", "summary")
    }


ARGUMENTS = ['-var=alert_emails=["me@example.com"]']


def test_fresh_clone_to_removal(aws: FilledMoto, repository: Path, tmp_path: Path) -> None:
    """One story, as each step needs the one before, and an apply takes over a minute."""
    before = leftovers(aws, ["us-east-1"])

    # What README says, in a fresh clone.
    first = Checkout(repository, tmp_path / "first", aws)
    done = first.apply(*ARGUMENTS)
    assert first.builds == 1
    assert "Confirm the subscription: AWS has sent a message to me@example.com." in done.out
    assert len(set(deployed_code(aws).values())) == 1

    # Another machine, without a build: nothing to change, and nothing is built.
    second = Checkout(repository, tmp_path / "second", aws)
    assert second.plan(*ARGUMENTS) == {}
    assert second.builds == 0 and not (second.root / "target").exists()

    # A change of settings there needs no build either.
    more = [*ARGUMENTS, "-var=no_data_hours=8"]
    assert second.plan("-refresh=false", *more) == {"aws_cloudwatch_metric_alarm.no_data": ["update"]}

    # An edit of a source is one build and one new package, whatever the machine.
    with open(second.root / "lambda" / "app" / "src" / "lib.rs", "a") as source:
        source.write("// Edited.\n")
    edit = {
        'aws_lambda_function.handler["monitor"]': ["update"],
        'aws_lambda_function.handler["summary"]': ["update"],
        "terraform_data.package[0]": ["delete", "create"],
    }
    assert second.plan("-refresh=false", *ARGUMENTS) == edit

    # A build that fails stops the apply before the functions, and the next one mends it. It adds
    # Slack by Amazon Q, too: the full deployment has the other way.
    old = deployed_code(aws)
    (second.root / "BROKEN").touch()
    failed = second.apply(*ARGUMENTS, code=1)
    assert "could not compile" in failed.out
    assert deployed_code(aws) == old
    (second.root / "BROKEN").unlink()
    with_slack = [*ARGUMENTS, '-var=slack={workspace_id="T012ABCDEF",channel_id="C012ABCDEF"}']
    second.apply(*with_slack)
    assert second.builds == 2
    assert deployed_code(aws) != old
    assert second.plan(*with_slack) == {}
    check_channel(aws, topic=second.outputs()["alerts_topic_arn"])

    # A package that is given: its content decides.
    given = stand_in(tmp_path / "given.zip")
    with_given = [*with_slack, f"-var=lambda_zip_path={given}"]
    assert second.plan("-refresh=false", *with_given) == {
        **{address: actions for address, actions in edit.items() if "function" in address},
        "terraform_data.package[0]": ["delete"],
    }
    missing = second.run(
        "plan", "-no-color", "-refresh=false", *with_slack, f"-var=lambda_zip_path={tmp_path}/absent.zip", code=1
    )
    assert "lambda_zip_path: there is no file" in missing.text
    assert "or leave lambda_zip_path out to build it from this checkout" in missing.text

    # Nothing is left.
    second.destroy(*with_slack)
    assert leftovers(aws, ["us-east-1"]) == before


def check_channel(aws: FilledMoto, topic: str) -> None:
    """What Amazon Q was told, and that nobody can do anything in the account from the channel."""
    (channel,) = aws.client("chatbot").describe_slack_channel_configurations()["SlackChannelConfigurations"]
    assert (channel["SlackTeamId"], channel["SlackChannelId"]) == ("T012ABCDEF", "C012ABCDEF")
    assert channel["ConfigurationName"] == "failure-monitor"
    assert channel["SnsTopicArns"] == [topic]
    assert channel["GuardrailPolicyArns"] == ["arn:aws:iam::aws:policy/AWSDenyAll"]
    iam = aws.client("iam")
    role = iam.get_role(RoleName="failure-monitor-chat")["Role"]
    assert channel["IamRoleArn"] == role["Arn"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "chatbot.amazonaws.com"}
    assert iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []


def test_the_package_is_the_same_whenever_it_is_built(aws: FilledMoto, repository: Path, tmp_path: Path) -> None:
    def build(name: str) -> str:
        checkout = Checkout(repository, tmp_path / name, aws)
        environment = {**os.environ, **checkout.more}
        subprocess.run([checkout.root / "infra" / "package"], env=environment, check=True)
        package = checkout.root / "target" / "lambda" / "x86_64.zip"
        listing = subprocess.run(
            ["unzip", "-Z", "-T", package], capture_output=True, text=True
        ).stdout
        assert "-rwxr-xr-x" in listing and "bootstrap" in listing, listing
        return hashlib.sha256(package.read_bytes()).hexdigest()

    assert build("one") == build("two")


def test_another_name_without_a_key(aws: FilledMoto, repository: Path, tmp_path: Path) -> None:
    """Two deployments in one account have nothing of the same name."""
    checkout = Checkout(repository, tmp_path / "other", aws)
    planned = checkout.plan(
        "-var=encryption=off", f"-var=lambda_zip_path={stand_in(tmp_path / 'given.zip')}", "-var=name=other",
        '-var=slack={webhook_parameter="/other/slack"}', "-var=digest_schedule=daily",
    )
    assert not [address for address in planned if "kms" in address]
    shown = json.loads(checkout.run("show", "-json", "plan").out)
    # A schedule's name is that of its task, within a group.
    resources = [
        resource for resource in shown["planned_values"]["root_module"]["resources"]
        if resource["type"] not in ("aws_scheduler_schedule", "aws_iam_role_policy")
    ]
    kinds = ("name", "function_name", "alarm_name", "dashboard_name")
    names = [r["values"][kind] for r in resources for kind in kinds if r["values"].get(kind)]
    assert len(names) > 30
    assert not [name for name in names if not re.match(r"(alias/|/aws/lambda/)?other\b", name)]
