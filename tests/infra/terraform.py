"""Terraform as a person runs it, in a folder of its own, against a server in place of AWS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"

# Only for tests: with the default of 25, an answer 500 looks like a hang of many minutes.
FEW_RETRIES = """
provider "aws" {
  max_retries = 1
}

provider "aws" {
  alias       = "iam_region"
  max_retries = 1
}
"""


@cache
def settings() -> dict[str, str]:
    """Environment variables that all runs share. A local mirror of the provider is used where the
    place that the repository lies in has one; otherwise Terraform asks its registry as usual."""
    found = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
    mirror = ROOT.parent / "shared" / "tools" / "terraform-mirror"
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    if not (named and Path(named).exists()) and mirror.exists():
        done = subprocess.run([mirror], capture_output=True, text=True)
        if done.returncode == 0:
            found["TF_CLI_CONFIG_FILE"] = done.stdout.strip()
    return found


@dataclass
class Done:
    """A run that has ended."""

    code: int
    out: str

    @property
    def text(self) -> str:
        """Without the frames and breaks that Terraform puts around messages."""
        return " ".join(self.out.replace("│", " ").replace("╷", " ").replace("╵", " ").split())


class Terraform:
    """One folder with a configuration, and the endpoint that it talks to."""

    def __init__(self, folder: Path, endpoint: str = "http://127.0.0.1:9", region: str = "us-east-1"):
        self.folder = folder
        self.more = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *arguments: str, code: int | None = 0) -> Done:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_VAR_"))}
        done = subprocess.run(
            ["terraform", *arguments], cwd=self.folder, env={**clean, **settings(), **self.more},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        assert code is None or done.returncode == code, done.stdout
        return Done(done.returncode, done.stdout)

    def init(self, *arguments: str) -> None:
        done = self.run("init", "-no-color", *arguments, code=None)
        unreachable = ("could not connect to registry", "Failed to query available provider")
        if done.code and any(reason in done.out for reason in unreachable):
            pytest.skip("Terraform reaches neither its registry nor a local mirror of it")
        assert done.code == 0, done.out

    def apply(self, *arguments: str, code: int | None = 0) -> Done:
        return self.run("apply", "-no-color", "-auto-approve", "-parallelism=40", *arguments, code=code)

    def destroy(self, *arguments: str) -> None:
        self.run("destroy", "-no-color", "-auto-approve", "-parallelism=40", *arguments)

    def plan(self, *arguments: str) -> dict[str, list[str]]:
        """What would change: the actions by address; nothing at all where the plan is empty."""
        done = self.run("plan", "-no-color", "-detailed-exitcode", "-out=plan", *arguments, code=None)
        assert done.code in (0, 2), done.out
        shown = json.loads(self.run("show", "-json", "plan").out)
        changes = {
            change["address"]: change["change"]["actions"]
            for change in shown.get("resource_changes", [])
            if change["change"]["actions"] not in (["no-op"], ["read"])
        }
        for name, change in shown.get("output_changes", {}).items():
            if change["actions"] != ["no-op"]:
                changes[f"output.{name}"] = change["actions"]
        assert bool(changes) == (done.code == 2), done.out
        return changes

    def outputs(self) -> dict[str, Any]:
        found = json.loads(self.run("output", "-json").out)
        return {name: output["value"] for name, output in found.items()}

    def state(self) -> dict[str, Any]:
        return json.loads(self.run("state", "pull").out)


def copy_of_infra(to: Path) -> Path:
    """The configuration alone, as a folder to run in."""
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "plan", "*.auto.tfvars")
    shutil.copytree(INFRA, to, ignore=ignored)
    (to / "tests_override.tf").write_text(FEW_RETRIES)
    return to
