"""A network between a function and AWS: remembers each call, and breaks those it is told to."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from .serve import Answer, Request, Server

SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass
class Call:
    """One API call, and how it ended."""

    service: str
    action: str
    region: str
    access_key_id: str
    request: Request
    at: float  # On the monotonic clock.
    status: int = 0  # Of the answer; 0 while there is none, or where the connection broke.
    faulted: bool = False  # The answer came from here and not from the service.
    reply: bytes = b""

    @property
    def name(self) -> str:
        return f"{self.service}:{self.action}"

    @property
    def form(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(self.request.body.decode(), True).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.request.body)


def identify(request: Request) -> Call:
    """Which call a request is: by its target, its form, or its path (S3)."""
    scope = SCOPE.search(request.headers.get("authorization", ""))
    key, region, service = scope.groups() if scope else ("", "", "unsigned")
    if target := request.headers.get("x-amz-target"):
        action = target.rsplit(".", 1)[-1]
    elif "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        action = parse_qs(request.body.decode()).get("Action", ["?"])[0]
    else:
        url = urlsplit(request.path)
        whole = "Object" if url.path.strip("/").count("/") else "Bucket"
        verb = {"GET": "Get", "HEAD": "Head", "PUT": "Put", "DELETE": "Delete"}
        action = verb.get(request.method, request.method) + whole
        if action == "GetBucket":
            action = "ListObjectsV2" if "list-type" in url.query else "ListBuckets"
    return Call(service, action, region, key, request, time.monotonic())


Fault = Callable[[Call], Answer]


def error(code: str, status: int = 400, message: str = "", **members: Any) -> Fault:
    """An error in the form of the protocol that the call speaks."""

    def answer(call: Call) -> Answer:
        if "x-amz-target" in call.request.headers:
            body = {"__type": f"com.amazonaws#{code}", "message": message, **members}
            headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": code}
            return Answer(status, json.dumps(body).encode(), headers)
        inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        if call.service == "s3":
            text = f"<Error>{inner}<RequestId>rigs</RequestId></Error>"
        else:
            text = (
                f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>"
                "<RequestId>rigs</RequestId></ErrorResponse>"
            )
        return Answer(status, text.encode(), {"Content-Type": "text/xml"})

    return answer


def throttled(call: Call) -> Answer:
    """Too many requests, as the called service says it."""
    code, status = {
        "dynamodb": ("ThrottlingException", 400),
        "cloudtrail": ("ThrottlingException", 400),
        "s3": ("SlowDown", 503),
    }.get(call.service, ("Throttling", 400))
    return error(code, status, "Rate exceeded")(call)


def unavailable(call: Call) -> Answer:
    """The service is down."""
    return error("ServiceUnavailable", 503, "Service is unavailable")(call)


def reset(_: Call) -> Answer:
    """The connection breaks."""
    return Answer(reset=True)


def conflict(call: Call) -> Answer:
    """A DynamoDB transaction that met another one, or a single write that did."""
    if call.action != "TransactWriteItems":
        return error("TransactionConflictException", 400, "Transaction is ongoing for the item")(call)
    reasons = [{"Code": "None"} for _ in call.json["TransactItems"]]
    reasons[-1] = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return error(
        "TransactionCanceledException", 400, message, CancellationReasons=reasons
    )(call)


@dataclass
class Rule:
    """A fault for some calls: the first `skip` of them pass, the next `times` are hit."""

    pattern: str
    fault: Fault | None = None
    times: float = float("inf")
    skip: int = 0
    delay: float = 0.0
    seen: int = 0
    hit: int = 0

    def wants(self, call: Call) -> bool:
        service, action = self.pattern.split(":")
        if call.service != service or action not in ("*", call.action):
            return False
        self.seen += 1
        if self.seen <= self.skip or self.hit >= self.times:
            return False
        self.hit += 1
        return True


@dataclass
class Gate:
    """Holds one call, before it reaches the service or with its answer in hand."""

    rule: Rule
    after: bool
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False

    def wait(self, timeout: float = 30) -> None:
        """Until the call has come."""
        assert self.reached.wait(timeout), f"no call of {self.rule.pattern} came"

    def open(self) -> None:
        """Lets the call go on."""
        self.opened.set()

    def drop(self) -> None:
        """Lets the call come to nothing, like one whose caller died before it was sent."""
        self.dropped = True
        self.opened.set()


class Proxy(Server):
    """Passes calls on to the service's own server, or to the one for all others."""

    def __init__(self, default: str, **services: str):
        self.targets = {name: urlsplit(url).netloc for name, url in services.items()}
        self.default = urlsplit(default).netloc
        self.calls: list[Call] = []
        self.rules: list[Rule] = []
        self.gates: list[Gate] = []
        self._lock = threading.Lock()
        self._local = threading.local()
        super().__init__()

    def fault(
        self, pattern: str, fault: Fault | None = None, *,
        times: float = float("inf"), skip: int = 0, delay: float = 0.0,
    ) -> Rule:
        """From now on: `sns:Publish` or `dynamodb:*` gets this answer, after this delay."""
        rule = Rule(pattern, fault, times, skip, delay)
        with self._lock:
            self.rules.append(rule)
        return rule

    def hold(self, pattern: str, *, skip: int = 0, after: bool = False) -> Gate:
        """Holds the next such call until the gate is opened."""
        gate = Gate(Rule(pattern, times=1, skip=skip), after)
        with self._lock:
            self.gates.append(gate)
        return gate

    def heal(self) -> None:
        """No more faults, and nothing is held."""
        with self._lock:
            self.rules.clear()
            gates, self.gates = self.gates, []
        for gate in gates:
            gate.open()

    def count(self, pattern: str, ok: bool = False) -> int:
        """How many such calls came; `ok` counts those that succeeded."""
        return len(self.found(pattern, ok))

    def found(self, pattern: str, ok: bool = False) -> list[Call]:
        service, action = pattern.split(":")
        with self._lock:
            return [
                call
                for call in self.calls
                if call.service == service and action in ("*", call.action)
                and (not ok or 200 <= call.status < 300)
            ]

    def answer(self, request: Request) -> Answer | None:
        call = identify(request)
        with self._lock:
            self.calls.append(call)
            rule = next((rule for rule in self.rules if rule.wants(call)), None)
            gate = next((gate for gate in self.gates if gate.rule.wants(call)), None)
        if gate and not gate.after:
            gate.reached.set()
            gate.opened.wait()
            if gate.dropped:
                return Answer(reset=True)
        if rule and rule.delay:
            time.sleep(rule.delay)
        if rule and rule.fault:
            answer = rule.fault(call)
            call.faulted = True
        else:
            answer = self._pass_on(call)
        call.reply = answer.body
        if gate and gate.after:
            gate.reached.set()
            gate.opened.wait()
        call.status = 0 if answer.reset else answer.status
        return answer

    def _pass_on(self, call: Call) -> Answer:
        target = self.targets.get(call.service, self.default)
        kept: dict[str, http.client.HTTPConnection] = self._local.__dict__
        headers = dict(call.request.headers)
        headers.pop("transfer-encoding", None)
        headers["content-length"] = str(len(call.request.body))
        for attempt in (1, 2):
            if target not in kept:
                kept[target] = http.client.HTTPConnection(target, timeout=120)
                kept[target].connect()
                _no_delay(kept[target])
            try:
                kept[target].request(
                    call.request.method, call.request.path, call.request.body, headers
                )
                reply = kept[target].getresponse()
                body = reply.read()
                break
            except (http.client.HTTPException, OSError):
                kept.pop(target).close()  # A kept connection may have ended meanwhile.
                if attempt == 2:
                    return Answer(reset=True)
        passed = {
            name: value
            for name, value in reply.getheaders()
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "date")
        }
        return Answer(reply.status, body, passed)

    def stop(self) -> None:
        self.heal()
        super().stop()


def _no_delay(connection: http.client.HTTPConnection) -> None:
    import socket

    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@dataclass
class Published:
    """A message as it was handed to SNS: the text for each protocol."""

    subject: str
    parts: dict[str, str]
    attributes: dict[str, str]
    size: int

    @property
    def json(self) -> Any:
        return json.loads(self.parts["sqs"])

    @property
    def email(self) -> str:
        return self.parts.get("email") or self.parts["default"]


def published(proxy: Proxy) -> list[Published]:
    """The messages that SNS accepted, in order."""
    found = []
    for call in proxy.found("sns:Publish", ok=True):
        form = call.form
        message = form["Message"]
        structured = form.get("MessageStructure") == "json"
        parts = json.loads(message) if structured else {"default": message}
        attributes = {
            form[f"MessageAttributes.entry.{n}.Name"]: form.get(
                f"MessageAttributes.entry.{n}.Value.StringValue", ""
            )
            for n in range(1, 11)
            if f"MessageAttributes.entry.{n}.Name" in form
        }
        found.append(Published(form.get("Subject", ""), parts, attributes, len(message.encode())))
    return found


def writes(calls: list[Call]) -> tuple[int, int]:
    """How many items successful DynamoDB calls wrote, and in how many requests."""
    items = requests = 0
    for call in calls:
        if call.service != "dynamodb" or not 200 <= call.status < 300:
            continue
        if call.action in ("PutItem", "UpdateItem", "DeleteItem"):
            items += 1
        elif call.action == "TransactWriteItems":
            items += len(call.json["TransactItems"])
        elif call.action == "BatchWriteItem":
            items += sum(len(ops) for ops in call.json["RequestItems"].values())
        else:
            continue
        requests += 1
    return items, requests
