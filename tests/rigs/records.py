"""CloudTrail records as AWS writes them, made for now rather than for a fixed day."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any, Iterable

from .clock import Clock

INVALID = "The security token included in the request is invalid."
ACCOUNT = "111122223333"
KEY = "AKIADEPLOYCI1EXAMPLE"
CLI = "aws-cli/2.22.23 md/awscrt#0.23.4 ua/2.0 os/linux lang/python#3.12.6 m/n md/command#sts.get-caller-identity"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/5.100.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.3 lang/go#1.23.8 m/g"


class Records:
    """Makes records at times counted back from the clock's now."""

    def __init__(self, clock: Clock):
        self.clock = clock

    def use(
        self, key: str | None = KEY, *, ago: float = 0, user: str = "deploy-ci",
        source: str = "203.0.113.10", region: str = "us-east-1", agent: str = CLI,
        call: str = "sts.amazonaws.com:GetCallerIdentity", account: str = ACCOUNT, **changes: Any,
    ) -> dict[str, Any]:
        """A successful call of a user; `changes` replace members or, with None, take them out."""
        event_source, event_name = call.split(":")
        identity = {
            "type": "IAMUser",
            "principalId": "AIDADEPLOYCI0EXAMPLE",
            "arn": f"arn:aws:iam::{account}:user/{user}",
            "accountId": account,
            "accessKeyId": key,
            "userName": user,
        }
        if key is None:
            del identity["accessKeyId"]
        made = {
            "eventVersion": "1.10",
            "userIdentity": identity,
            "eventTime": self.clock.iso(ago),
            "eventSource": event_source,
            "eventName": event_name,
            "awsRegion": region,
            "sourceIPAddress": source,
            "userAgent": agent,
            "requestParameters": None,
            "responseElements": None,
            "requestID": str(uuid.uuid4()),
            "eventID": str(uuid.uuid4()),
            "readOnly": event_name.startswith(("Get", "List", "Describe")),
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": account,
            "eventCategory": "Management",
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None or name in
                ("requestParameters", "responseElements")}

    def refused(self, key: str | None = KEY, **changes: Any) -> dict[str, Any]:
        """A call that was refused because its key is not known."""
        error = {"errorCode": "InvalidClientTokenId", "errorMessage": INVALID}
        return self.use(key, **{**error, **changes})

    def storm(self, count: int, **changes: Any) -> list[dict[str, Any]]:
        """So many refused calls, one a second, the newest now."""
        return [self.refused(ago=number, **changes) for number in range(count)]

    def key_change(
        self, call: str, key: str, *, user: str = "deploy-ci", by: str = "alice",
        status: str | None = None, **changes: Any,
    ) -> dict[str, Any]:
        """`UpdateAccessKey` (with a status), `DeleteAccessKey` or `CreateAccessKey`, by somebody."""
        asked = {"userName": user, "accessKeyId": key, "status": status}
        answered = None
        if call == "CreateAccessKey":
            answered = {"accessKey": {"accessKeyId": key, "userName": user, "status": "Active"}}
            asked = {"userName": user}
        return self.use(
            "AKIAADMINALICEXAMPLE", user=by, call=f"iam.amazonaws.com:{call}",
            source="198.51.100.7", region="us-east-1",
            **{
                "requestParameters": {k: v for k, v in asked.items() if v is not None},
                "responseElements": answered,
                "readOnly": False,
                **changes,
            },
        )


def compact(value: Any) -> bytes:
    """JSON as CloudTrail writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def log_file(records: Iterable[dict[str, Any]]) -> bytes:
    """A trail file as it lies in the bucket."""
    return gzip.compress(compact({"Records": list(records)}))
