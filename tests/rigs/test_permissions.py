"""That a call which AWS would refuse is found out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .permissions import Role, Roles, used
from .proxy import Call, identify
from .runtime_api import KEYS
from .serve import Request

HOME, MEMBER, STRANGER = "111122223333", "444455556666", "999999999999"


def call(service: str, target: str, body: Any, key: str = KEYS["monitor"], region: str = "us-east-1") -> Call:
    """As the SDK sends it: JSON with a target, a form, or the GET of an object."""
    headers = {"authorization": f"AWS4-HMAC-SHA256 Credential={key}/20250114/{region}/{service}/aws4_request"}
    if service == "s3":
        made = identify(Request("GET", body, headers, b""))
        made.status = int(target)
        return made
    if isinstance(body, dict):
        headers["x-amz-target"] = f"Service.{target}"
        return identify(Request("POST", "/", headers, json.dumps(body).encode()))
    headers["content-type"] = "application/x-www-form-urlencoded"
    return identify(Request("POST", "/", headers, f"Action={target}&{body}".encode()))


def role(action: str, resource: str, **more: Any) -> Role:
    made = Role()
    made.add({"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **more}]})
    return made


TABLE = f"arn:aws:dynamodb:us-east-1:{HOME}:table/fm"
IN_ORGANISATION = {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}
MEMBERS = role("sts:AssumeRole", "arn:aws:iam::*:role/reader", Condition=IN_ORGANISATION)
QUERY = call("dynamodb", "Query", {"TableName": "fm"})
TRANSACTION = call("dynamodb", "TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "fm"}}]})


@pytest.mark.parametrize(
    "made, may, refused",
    [
        (QUERY, role("dynamodb:Query", TABLE), ""),
        (QUERY, role("dynamodb:PutItem", TABLE), "dynamodb:Query"),
        (QUERY, role("dynamodb:Query", TABLE + "s"), "dynamodb:Query"),
        (call("dynamodb", "Query", {"TableName": "fm"}, region="eu-west-1"),
         role("dynamodb:Query", TABLE), "eu-west-1"),
        (TRANSACTION, role("dynamodb:PutItem", TABLE), ""),
        (TRANSACTION, role("dynamodb:UpdateItem", TABLE), "dynamodb:PutItem"),
        (call("s3", "200", "/logs/AWSLogs/a%20b.gz"), role("s3:GetObject", "arn:aws:s3:::logs/AWSLogs/a b*"), ""),
        (call("s3", "200", "/logs/else.gz"), role("s3:GetObject", "arn:aws:s3:::logs/AWSLogs/*"), "else.gz"),
        (call("s3", "404", "/logs/x.gz"), role("s3:GetObject", "arn:aws:s3:::logs/*"), "s3:ListBucket"),
        (call("sts", "AssumeRole", f"RoleArn=arn:aws:iam::{MEMBER}:role/reader"), MEMBERS, ""),
        (call("sts", "AssumeRole", f"RoleArn=arn:aws:iam::{MEMBER}:role/admin"), MEMBERS, "role/admin"),
        (call("sts", "AssumeRole", f"RoleArn=arn:aws:iam::{STRANGER}:role/reader"), MEMBERS, STRANGER),
        (call("iam", "ListAccessKeys", "UserName=ci", KEYS["summary"]),
         role("iam:ListAccessKeys", "*"), "role of summary"),
        (call("iam", "ListAccessKeys", "UserName=ci", "ASIASOMEBODYEEXAMPLE"),
         role("iam:ListAccessKeys", "*"), "who has no role"),
    ],
)
def test_what_a_role_does_not_allow_is_told(made: Call, may: Role, refused: str) -> None:
    roles: Roles = {"monitor": may, "summary": Role(), "slack": Role(), "member": Role()}
    use, told = used([made], roles)
    assert [refused in line for line in told] == [True] * bool(refused), told
    assert use or "who has no role" in refused


def test_calls_with_an_assumed_role_are_that_roles() -> None:
    assume = call("sts", "AssumeRole", f"RoleArn=arn:aws:iam::{MEMBER}:role/reader")
    assume.reply = b"<Credentials><AccessKeyId>ASIAMEMBERROLEXAMPLE</AccessKeyId></Credentials>"
    ask = call("iam", "ListAccessKeys", "UserName=ci", "ASIAMEMBERROLEXAMPLE")
    own = {"monitor": MEMBERS, "member": role("iam:ListAccessKeys", f"arn:aws:iam::{MEMBER}:user/*")}
    assert used([assume, ask], own)[1] == []
    other = {"monitor": MEMBERS, "member": role("iam:ListAccessKeys", f"arn:aws:iam::{HOME}:user/*")}
    assert used([assume, ask], other)[1] == [
        f"iam:ListAccessKeys on arn:aws:iam::{MEMBER}:user/ci by the role of member"
    ]


def test_a_condition_that_is_not_understood_is_an_error() -> None:
    may = role("dynamodb:Query", TABLE, Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    with pytest.raises(AssertionError, match="IpAddress"):
        used([QUERY], {"monitor": may})
