"""CloudTrail's LookupEvents, which moto lacks.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html, with what the
service does beside: two requests a second per account and Region, 90 days, management events
only, records that become visible late, pages that are short or empty though more follow.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Callable

from .clock import Clock
from .serve import Answer, Request, Server

# SDKs name the service with and without its package before it.
TARGET = "CloudTrail_20131101.LookupEvents"
PACKAGE = "com.amazonaws.cloudtrail.v20131101."
ATTRIBUTES = (
    "EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName",
    "EventSource", "AccessKeyId",
)
DAYS_90 = 90 * 86400
SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


class Refused(Exception):
    """An error of the service: its name and message."""


@dataclass
class Stored:
    """A record in the event history of an account and Region."""

    item: dict[str, Any]
    visible_from: float

    @property
    def order(self) -> tuple[float, str]:
        return (self.item["EventTime"], self.item["EventId"])

    def has(self, attribute: str, value: str) -> bool:
        resources = self.item["Resources"]
        if attribute == "ResourceType":
            return any(resource["ResourceType"] == value for resource in resources)
        if attribute == "ResourceName":
            return any(resource["ResourceName"] == value for resource in resources)
        return bool(self.item.get(attribute) == value)


def seconds(iso: str) -> float:
    return datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp()


def username(identity: dict[str, Any]) -> str | None:
    """The name that the event history shows: the user, the role session, or root."""
    if identity.get("type") == "Root":
        return "root"
    if name := identity.get("userName"):
        return str(name)
    if identity.get("type") in ("AssumedRole", "FederatedUser"):
        return str(identity.get("arn", "")).rsplit("/", 1)[-1] or None
    return None


def resources(record: dict[str, Any]) -> list[dict[str, str]]:
    """Those that the record itself lists, and what an IAM call names."""
    found = [
        {"ResourceType": one.get("type", ""), "ResourceName": one.get("ARN", "")}
        for one in record.get("resources") or []
    ]
    asked = record.get("requestParameters") or {}
    made = ((record.get("responseElements") or {}).get("accessKey")) or {}
    if record["eventSource"] == "iam.amazonaws.com":
        for kind, name in [
            ("AWS::IAM::AccessKey", asked.get("accessKeyId") or made.get("accessKeyId")),
            ("AWS::IAM::User", asked.get("userName") or made.get("userName")),
        ]:
            if name:
                found.append({"ResourceType": kind, "ResourceName": name})
    return found


def item(record: dict[str, Any]) -> dict[str, Any]:
    """A record as an item of an answer."""
    identity = record.get("userIdentity", {})
    made = {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": "true" if record.get("readOnly") else "false",
        "AccessKeyId": identity.get("accessKeyId"),
        "EventTime": seconds(record["eventTime"]),
        "EventSource": record["eventSource"],
        "Username": username(identity),
        "Resources": resources(record),
        "CloudTrailEvent": json.dumps(record, separators=(",", ":")),
    }
    return {name: value for name, value in made.items() if value is not None}


class LookupEvents(Server):
    """The service, for any number of accounts and Regions."""

    def __init__(self, clock: Clock, account_of: Callable[[str], str] | None = None):
        self.clock = clock
        self.account_of = account_of or (lambda _: "111122223333")
        self.per_second: float | None = 2.0  # None: no limit.
        self.tick = time.monotonic  # What the limit is measured with.
        self.page_size = 50  # At most; real pages are often shorter than what was asked for.
        self.empty_pages = 0  # After each page with items, so many without, and with a token.
        self.token_lives = 3600.0
        self.tokens_to_refuse = 0  # The next so many requests with a token find it expired.
        self.tokens_refused = 0
        self.throttled = 0
        self.asked: list[dict[str, Any]] = []  # Requests that were answered, with their region.
        self._records: dict[tuple[str, str], dict[str, Stored]] = defaultdict(dict)
        self._allowance: dict[tuple[str, str], tuple[float, float]] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        self._accounts: dict[str, str] = {}
        self._lock = threading.Lock()
        super().__init__()

    def put(self, *records: dict[str, Any], visible_in: float = 0) -> None:
        """Adds records to the Regions and accounts that they name; data events are not kept."""
        with self._lock:
            for record in records:
                if record.get("eventCategory", "Management") != "Management":
                    continue
                if record.get("managementEvent") is False:
                    continue
                place = (record.get("recipientAccountId", "111122223333"), record["awsRegion"])
                stored = Stored(item(record), self.clock.now() + visible_in)
                self._records[place][record["eventID"]] = stored

    def answer(self, request: Request) -> Answer | None:
        try:
            body = self._lookup(request)
            status = 200
        except Refused as refused:
            name, message = refused.args
            body = {"__type": name, "message": message}
            status = 400
        return Answer(
            status,
            json.dumps(body).encode(),
            {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())},
        )

    def _lookup(self, request: Request) -> dict[str, Any]:
        if request.headers.get("x-amz-target", "").removeprefix(PACKAGE) != TARGET:
            raise Refused("UnknownOperationException", "")
        scope = SCOPE.search(request.headers.get("authorization", ""))
        if not scope:
            raise Refused("MissingAuthenticationTokenException", "Missing Authentication Token")
        key, region, service = scope.groups()
        if service != "cloudtrail":
            message = f"Credential should be scoped to correct service: 'cloudtrail'. {service}"
            raise Refused("InvalidSignatureException", message)
        try:
            asked = json.loads(request.body)
            if not isinstance(asked, dict):
                raise ValueError
        except ValueError:
            raise Refused("SerializationException", "") from None
        with self._lock:
            if key not in self._accounts:
                self._accounts[key] = self.account_of(key)
            place = (self._accounts[key], region)
            self._take_allowance(place)
            answer = self._page(place, asked)
            self.asked.append({**asked, "region": region, "account": place[0]})
            return answer

    def _take_allowance(self, place: tuple[str, str]) -> None:
        """A token bucket; a refused request costs nothing."""
        if self.per_second is None:
            return
        now = self.tick()
        left, since = self._allowance.get(place, (self.per_second, now))
        left = min(self.per_second, left + (now - since) * self.per_second)
        if left < 1:
            self._allowance[place] = (left, now)
            self.throttled += 1
            raise Refused("ThrottlingException", "Rate exceeded")
        self._allowance[place] = (left - 1, now)

    def _page(self, place: tuple[str, str], asked: dict[str, Any]) -> dict[str, Any]:
        limit, attribute, start, end = self._valid(asked)
        now = self.clock.now()
        # The Region is part of what must be identical, because each has a service of its own.
        parameters = {k: v for k, v in asked.items() if k != "NextToken"}
        fingerprint = hashlib.sha256(json.dumps([place, parameters], sort_keys=True).encode())
        at: tuple[float, str] | None = None
        empties = 0
        if (token := asked.get("NextToken")) is not None:
            kept = self._tokens.get(token)
            old = kept is not None and now - kept["made"] > self.token_lives
            if self.tokens_to_refuse:
                self.tokens_to_refuse -= 1
                self._tokens.clear()
                kept = None
            if kept is None or old or kept["fingerprint"] != fingerprint.hexdigest():
                self.tokens_refused += 1
                raise Refused("InvalidNextTokenException", "Invalid token.")
            at, empties = kept["at"], kept["empties"]
        found = [
            stored
            for stored in self._records[place].values()
            if stored.visible_from <= now
            and max(start, now - DAYS_90) <= stored.item["EventTime"] <= end
            and (attribute is None or stored.has(*attribute))
            and (at is None or stored.order < at)
        ]
        found.sort(key=lambda stored: stored.order, reverse=True)
        size = 0 if empties else min(limit, self.page_size)
        page = found[:size]
        answer: dict[str, Any] = {"Events": [stored.item for stored in page]}
        if len(found) > len(page):
            token = base64.b64encode(uuid.uuid4().bytes * 4).decode()
            self._tokens[token] = {
                "made": now,
                "fingerprint": fingerprint.hexdigest(),
                "at": page[-1].order if page else at,
                "empties": empties - 1 if empties else self.empty_pages,
            }
            answer["NextToken"] = token
        return answer

    def _valid(
        self, asked: dict[str, Any]
    ) -> tuple[int, tuple[str, str] | None, float, float]:
        if asked.get("EventCategory", "insight") != "insight":
            raise Refused("InvalidEventCategoryException", "Invalid event category.")
        limit = asked.get("MaxResults", 50)
        if not isinstance(limit, int):
            raise Refused("SerializationException", "MaxResults")
        if not 1 <= limit <= 50:
            raise Refused("InvalidMaxResultsException", "Max results must be from 1 to 50.")
        lookups = asked.get("LookupAttributes") or []
        if len(lookups) > 1:
            message = "You can only specify one lookup attribute."
            raise Refused("InvalidLookupAttributesException", message)
        attribute = None
        if lookups:
            key, value = lookups[0].get("AttributeKey"), lookups[0].get("AttributeValue")
            if key is None or value is None:
                message = "1 validation error detected: a member must not be null"
                raise Refused("ValidationException", message)
            if key not in ATTRIBUTES or not 1 <= len(value) <= 2000:
                message = f"Invalid lookup attribute: {key}"
                raise Refused("InvalidLookupAttributesException", message)
            attribute = (key, value)
        now = self.clock.now()
        start = asked.get("StartTime", now - DAYS_90)
        end = asked.get("EndTime", now)
        for moment in (start, end):
            if not isinstance(moment, (int, float)):
                raise Refused("SerializationException", "a time is a number")
        if start > end or start < 0:
            message = "The start time must be before the end time."
            raise Refused("InvalidTimeRangeException", message)
        if asked.get("EventCategory") == "insight":
            return limit, ("EventId", ""), start, end  # There are none.
        return limit, attribute, start, end
