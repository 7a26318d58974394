"""The roles of the functions, with their policies as Terraform writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from rigs.aws import ACCOUNT, Moto
from rigs.permissions import Role, Roles

from .terraform import INFRA, Terraform, copy_of_infra

HANDLERS = ("monitor", "summary", "slack")


def key(number: int) -> str:
    return f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{number:08}-1111-2222-3333-444455556666"


# Everything that adds a permission is switched on. A key that is given has a known ARN in a plan.
ALL = {
    "encryption": key(1),
    "function": {"tracing": True},
    "lambda_zip_path": "terraform.tf",  # Any file can stand for the package in a plan.
}


def member_role() -> Role:
    """What infra/README.md tells the owners of member accounts to allow."""
    section = (INFRA / "README.md").read_text().split("\n## Organisation\n")[1].split("\n## ")[0]
    _, permissions = re.findall(r"(?s)```json\n(.*?)```", section)
    role = Role()
    role.add(json.loads(permissions))
    return role


def planned(moto: Moto, folder: Path, region: str, variables: dict[str, Any]) -> Roles:
    """As a plan shows them: it takes some seconds, and needs only to know whose account it is."""
    terraform = Terraform(copy_of_infra(folder), moto.url, region)
    (terraform.folder / "test.auto.tfvars.json").write_text(json.dumps({**ALL, **variables}))
    terraform.init()
    terraform.run("plan", "-no-color", "-refresh=false", "-out=plan")
    shown = json.loads(terraform.run("show", "-json", "plan").out)
    resources = shown["planned_values"]["root_module"]["resources"]
    roles = {handler: Role() for handler in HANDLERS}
    for resource in resources:
        if resource["type"] == "aws_iam_role_policy" and resource.get("index") in roles:
            roles[resource["index"]].add(json.loads(resource["values"]["policy"]))
    return {**roles, "member": member_role()}


def of(moto: Moto, name: str) -> Role:
    """A role as it was deployed."""
    iam = moto.client("iam")
    role = Role()
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        role.add(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
    return role


def deployed(moto: Moto, name: str) -> Roles:
    """The roles of a deployment."""
    return {**{handler: of(moto, f"{name}-{handler}") for handler in HANDLERS}, "member": member_role()}


def told() -> dict[str, set[str]]:
    """The actions of each role by the table of infra/README.md."""
    section = (INFRA / "README.md").read_text().split("\n## Permissions\n")[1].split("\n## ")[0]
    others = {"all three": HANDLERS, "schedules": ["schedule"], "rules of other regions": ["forward"]}
    found: dict[str, set[str]] = {}
    who = ""
    for line in section.splitlines():
        if line.startswith("|") and "`" in line:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            who = cells[0] or who
            for role in others.get(who) or re.findall(r"`(\w+)`", who):
                found.setdefault(role, set()).update(re.findall(r"`(\w+:\w+)`", cells[1]))
    return found
