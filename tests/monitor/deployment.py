"""A deployed failure monitor: its functions, table, topic, and everything that can be seen of it.

What it counted is read from the summary function, and what it told from the topic, as a user would:
the layout of the table is its own business.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from rigs.aws import Moto
from rigs.clock import Clock
from rigs.lookup_events import LookupEvents
from rigs.proxy import Published, Proxy, published
from rigs.records import Records
from rigs.runtime_api import Function, Invocation

from . import payloads

ROOT = Path(__file__).resolve().parents[2]
# What the settings of a deployment may name; its roles are made for these.
NAME = "fm"
BUCKET = "logs"
MEMBER_ROLE = "failure-monitor-reader"
WEBHOOK = "/failure-monitor/slack"


class Deployment:
    """Functions by their handler, started when they are first called."""

    def __init__(
        self, bootstrap: Path, moto: Moto, lookup: LookupEvents, proxy: Proxy, clock: Clock
    ):
        self.bootstrap = bootstrap
        self.moto = moto
        self.lookup = lookup
        self.proxy = proxy
        self.clock = clock
        self.records = Records(clock)
        self.table = moto.table(NAME)
        self.topic = moto.topic(f"{NAME}-alerts")
        self.inbox = moto.inbox(self.topic)
        self.variables: dict[str, str] = {}
        self._functions: list[Function] = []
        self._monitor: Function | None = None
        self._summary: Function | None = None

    def function(self, handler: str, environment: dict[str, str] | None = None) -> Function:
        """A function that is not started yet."""
        given = {
            "FAILURE_MONITOR_NAME": NAME,
            "FAILURE_MONITOR_TABLE": self.table,
            "FAILURE_MONITOR_TOPIC_ARN": self.topic,
            "FAILURE_MONITOR_REGIONS": "us-east-1,eu-west-1",
            "AWS_ENDPOINT_URL": self.proxy.url,
            "AWS_ENDPOINT_URL_CLOUDTRAIL": self.proxy.url,
            **self.variables,
            **(environment or {}),
        }
        made = Function(
            self.bootstrap, handler, given, clock=self.clock, name=f"{NAME}-{handler}"
        )
        self._functions.append(made)
        return made

    def set(self, **variables: Any) -> None:
        """Settings of functions that start from now on: `THRESHOLD=5`."""
        for name, value in variables.items():
            text = value if isinstance(value, str) else json.dumps(value)
            self.variables[f"FAILURE_MONITOR_{name}"] = text
        if self._monitor:
            self._monitor.stop()
            self._monitor = None

    @property
    def monitor(self) -> Function:
        if self._monitor is None:
            self._monitor = self.function("monitor")
        return self._monitor

    def stop(self) -> None:
        self.proxy.heal()
        for function in self._functions:
            function.stop()

    # Handing over

    def invoke(self, payload: Any, timeout: float = 60) -> Invocation:
        """An invocation of the monitor, and a check of what holds of each that ended."""
        invocation = self.monitor.invoke(payload, timeout)
        check_log(invocation)
        return invocation

    def take(self, *bodies: Any, timeout: float = 60) -> Invocation:
        """A batch of the queue that succeeds as a whole."""
        invocation = self.invoke(payloads.sqs(*bodies), timeout)
        assert payloads.failed(invocation.response) == [], invocation.story()
        return invocation

    def events(self, *records: dict[str, Any], timeout: float = 60) -> Invocation:
        """Records through EventBridge."""
        return self.take(*(payloads.envelope(record) for record in records), timeout=timeout)

    def task(self, task: str, timeout: float = 60, **more: Any) -> Invocation:
        """A task that does not fail."""
        invocation = self.invoke({"task": task, **more}, timeout)
        assert invocation.error is None and not invocation.crashed, invocation.story()
        assert not invocation.timed_out, invocation.story()
        return invocation

    def sweep(self, timeout: float = 60) -> Invocation:
        return self.task("sweep", timeout)

    def deliver(self, timeout: float = 60) -> Invocation:
        return self.task("deliver", timeout)

    def file(self, data: bytes, key: str = payloads.trail_key(), bucket: str = BUCKET) -> None:
        """Puts an object, not telling anybody."""
        client = self.moto.client("s3")
        if bucket not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            self.moto.bucket(bucket)
        client.put_object(Bucket=bucket, Key=key, Body=data)

    # Looking

    def summary(self, **asked: Any) -> Any:
        if self._summary is None:
            self._summary = self.function("summary")
        asked = {"task": "summary", "since": "48h", "format": "json", **asked}
        answer = self._summary.invoke(asked).response
        if isinstance(answer, str):
            answer = json.loads(answer)
        return answer

    def counted(self, origin: str | None = None) -> int:
        """How many failures the summary knows; of one origin or of all."""
        failures = self.summary()["totals"]["failures"]
        return int(failures[origin]) if origin else sum(failures.values())

    def messages(self) -> list[Published]:
        """All that was published, checked: each is what SNS and its subscribers accept."""
        found = published(self.proxy)
        for message in found:
            check_message(message)
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """The machine form of what was published, in order."""
        return [message.json for message in self.messages()]


def check_log(invocation: Invocation) -> None:
    """Each line of output is JSON, nothing panicked, and no secret was written."""
    for line in invocation.output.splitlines():
        assert line.startswith("{"), line
        json.loads(line)
    assert "panicked" not in invocation.output
    assert "rigs-secret-access-key" not in invocation.output
    assert "rigs-session-token" not in invocation.output


def check_message(message: Published) -> None:
    """Limits of https://docs.aws.amazon.com/sns/latest/api/API_Publish.html and of our schema."""
    assert 1 <= len(message.subject) <= 99, message.subject
    assert all(" " <= c <= "~" for c in message.subject), message.subject
    assert message.size <= 262_144
    assert "default" in message.parts
    machine = message.json
    kind, version = machine["schema"].removeprefix("failure-monitor/").split("/")
    assert kind in ("alert", "summary") and version == "1"
    schema = ROOT / "docs" / f"{kind}.schema.json"
    jsonschema.validate(machine, json.loads(schema.read_text()))
    for line in message.email.splitlines():
        # A command stays on one line, however long, so that it can be pasted.
        command = line.startswith("     ")
        assert command or len(line) <= 80 or " " not in line.strip(), line


def incident(alert: dict[str, Any]) -> dict[str, Any]:
    """The one incident of an alert."""
    [only] = alert["incidents"]
    return only  # type: ignore[no-any-return]


def cause(alert: dict[str, Any]) -> str:
    """The most likely cause of an alert's first finding."""
    return str(incident(alert)["findings"][0]["causes"][0]["id"])
