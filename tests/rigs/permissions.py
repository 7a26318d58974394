"""What calls need to be allowed, and whether the policies of a role allow it.

Knows as much of IAM as the roles of this project use; a policy with anything else is an error here,
so that nothing is taken for allowed by not being understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator
from urllib.parse import unquote

from .aws import ACCOUNT
from .proxy import Call
from .runtime_api import KEYS

# The accounts of the organisation, as AWS would know them: ours, and the member of the tests.
ORGANISATION = "o-exampleorg0"
ORGANISATION_ACCOUNTS = {ACCOUNT, "444455556666"}

# Transactions are allowed by the permissions of their parts.
TRANSACTION = {
    "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem",
    "ConditionCheck": "ConditionCheckItem",
}


@dataclass(frozen=True)
class Need:
    """An action on a resource, and the region that it is asked of."""

    action: str
    resource: str
    region: str

    @property
    def context(self) -> dict[str, str]:
        """The condition keys that can be told from here."""
        found = {"aws:PrincipalOrgID": ORGANISATION, "aws:RequestedRegion": self.region}
        if self.resource.startswith("arn:") and (account := self.resource.split(":")[4]):
            inside = account in ORGANISATION_ACCOUNTS
            found["aws:ResourceAccount"] = account
            found["aws:ResourceOrgID"] = ORGANISATION if inside else "o-anotherorg0"
        return found


def needs(call: Call, account: str) -> Iterator[Need]:
    """The actions and resources of a call that somebody of this account makes.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
    """

    def need(action: str, resource: str) -> Need:
        return Need(action, resource, call.region)

    place = f"{call.region}:{account}"
    match call.service:
        case "dynamodb":
            asked = call.json
            table = f"arn:aws:dynamodb:{place}:table/"
            if call.action.startswith("Transact"):
                for item in asked["TransactItems"]:
                    for kind, operation in item.items():
                        yield need(f"dynamodb:{TRANSACTION[kind]}", table + operation["TableName"])
                return
            for name in asked["RequestItems"] if "RequestItems" in asked else [asked["TableName"]]:
                yield need(call.name, table + name)
        case "sns":
            yield need(call.name, call.form["TopicArn"])
        case "iam":
            # Of a key that is looked up only its ID is known: it may be any user's.
            user = call.form.get("UserName", "anybody")
            yield need(call.name, f"arn:aws:iam::{account}:user/{user}")
        case "s3":
            path = unquote(call.request.path.split("?")[0]).lstrip("/")
            bucket = "arn:aws:s3:::" + path.split("/")[0]
            if call.action in ("GetObject", "HeadObject"):
                yield need("s3:GetObject", "arn:aws:s3:::" + path)
                if call.status == 404:  # Without this permission the answer would be 403.
                    yield need("s3:ListBucket", bucket)
            elif call.action == "ListObjectsV2":
                yield need("s3:ListBucket", bucket)
            else:
                yield need(call.name, "arn:aws:s3:::" + path)
        case "ssm":
            yield need(call.name, f"arn:aws:ssm:{place}:parameter/{call.json['Name'].lstrip('/')}")
        case "sts":
            yield need(call.name, call.form.get("RoleArn", "*"))
        case _:
            yield need(call.name, "*")


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def matches(pattern: str, text: str) -> bool:
    """As IAM compares: `*` and `?` and nothing else."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def holds(condition: dict[str, dict[str, Any]], context: dict[str, str]) -> bool:
    """Whether all of a condition is met."""
    for operator, keys in condition.items():
        assert operator == "StringEquals", f"{operator}: not known to these tests"
        for key, values in keys.items():
            wanted = [re.sub(r"\$\{(.+?)\}", lambda m: context[m[1]], v) for v in listed(values)]
            if context.get(key) not in wanted:
                return False
    return True


@dataclass
class Role:
    """The statements of all policies of a role."""

    statements: list[dict[str, Any]] = field(default_factory=list)

    def add(self, policy: dict[str, Any]) -> None:
        for statement in policy["Statement"]:
            known = {"Sid", "Effect", "Action", "Resource", "Condition"}
            assert set(statement) <= known and statement["Effect"] == "Allow", statement
            self.statements.append(statement)

    def allows(self, need: Need) -> bool:
        return any(
            need.action in listed(statement["Action"])
            and any(matches(pattern, need.resource) for pattern in listed(statement["Resource"]))
            and holds(statement.get("Condition", {}), need.context)
            for statement in self.statements
        )

    @property
    def actions(self) -> set[str]:
        return {action for statement in self.statements for action in listed(statement["Action"])}


# Roles by handler, and "member": the one that the monitor assumes in another account.
Roles = dict[str, Role]
Use = set[tuple[str, str]]
# The fixture of tests/conftest.py that compares calls with roles, or is told why there are none.
AllowedOnly = Callable[[Iterable[Call], "Roles | str"], None]


def allowed(roles: Roles) -> Use:
    """Everything that roles may do: role and action."""
    return {(name, action) for name, role in roles.items() for action in role.actions}


def used(calls: Iterable[Call], roles: Roles) -> tuple[Use, list[str]]:
    """What the calls used of their roles, and those that would have been refused.

    A call that a fault answered was made all the same.
    """
    callers = {key: (handler, ACCOUNT) for handler, key in KEYS.items()}
    use: Use = set()
    refused = []
    for call in calls:
        if call.access_key_id not in callers:
            refused.append(f"{call.name} by {call.access_key_id or 'nobody'}, who has no role")
            continue
        name, account = callers[call.access_key_id]
        for need in needs(call, account):
            use.add((name, need.action))
            if not roles[name].allows(need):
                refused.append(f"{need.action} on {need.resource} by the role of {name}")
        if call.name == "sts:AssumeRole" and (key := re.search(rb"<AccessKeyId>(\w+)<", call.reply)):
            callers[key[1].decode()] = ("member", call.form["RoleArn"].split(":")[4])
    return use, sorted(set(refused))
