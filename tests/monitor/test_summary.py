"""The summary of a deployment: the same numbers of the same window in every place."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Iterator

import jsonschema
import pytest

from rigs.records import KEY
from rigs.runtime_api import Function
from rigs.serve import Answer, Request, Server

from .deployment import ROOT, Deployment

SCHEMA = json.loads((ROOT / "docs" / "summary.schema.json").read_text())
PAGE_FIGURES = re.compile(r'data-json="/totals/failures/(\w+)" value="(\d+)"')


class Invoke(Server):
    """Lambda's Invoke, for one function that runs here."""

    def __init__(self, function: Function):
        self.function = function
        super().__init__()

    def answer(self, request: Request) -> Answer:
        if request.path != "/2015-03-31/functions/fm-summary/invocations":
            headers = {"x-amzn-errortype": "ResourceNotFoundException"}
            return Answer(404, b'{"Message":"Function not found"}', headers)
        invocation = self.function.invoke(json.loads(request.body))
        if invocation.error:
            error = json.dumps(invocation.error).encode()
            return Answer(200, error, {"x-amz-function-error": "Unhandled"})
        return Answer(200, json.dumps(invocation.response).encode())


@pytest.fixture
def invoke(deployed: Deployment) -> Iterator[Invoke]:
    server = Invoke(deployed.function("summary"))
    yield server
    server.stop()


def command_line(deployed: Deployment, invoke: Invoke, *arguments: str, code: int = 0) -> str:
    named = os.environ.get("FAILURE_MONITOR")
    program = Path(named).resolve() if named else deployed.bootstrap.with_name("failure-monitor")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "AWS_ENDPOINT_URL": deployed.moto.url,
        "AWS_ENDPOINT_URL_LAMBDA": invoke.url,
        "AWS_ACCESS_KEY_ID": "AKIAREADERAAAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "rigs-secret-access-key",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "FAILURE_MONITOR_FUNCTION": "fm-summary",
    }
    done = subprocess.run(
        [program, "summary", *arguments], env=environment, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_same_numbers_in_every_place(deployed: Deployment, invoke: Invoke) -> None:
    deployed.events(*deployed.records.storm(7))
    deployed.events(deployed.records.refused("AKIADEPLOYCI9EXAMPLE", source="192.0.2.99"))
    window = {"from": deployed.clock.iso(3600), "to": deployed.clock.iso(-60)}
    ends = ["--from", window["from"], "--to", window["to"]]

    def asked(**more: Any) -> Any:
        return invoke.function.invoke({"task": "summary", **window, **more}).response

    direct = asked()
    jsonschema.Draft202012Validator(SCHEMA).validate(direct)
    failures = direct["totals"]["failures"]
    assert failures == {"recorded": 8, "reported": 0, "predicted": 0}
    for place in (["--function", "fm-summary"], ["--table", deployed.table], []):
        printed = json.loads(command_line(deployed, invoke, *place, *ends, "--format", "json"))
        for part in ("totals", "timeline", "causes", "matrix", "groups", "answer", "window"):
            assert printed[part] == direct[part], (place, part)
    assert "failures: 8 recorded" in command_line(deployed, invoke, *ends)
    assert "Failures: 8 recorded." in asked(format="markdown")
    told = {origin: int(count) for origin, count in PAGE_FIGURES.findall(asked(format="html"))}
    assert told == failures
    milliseconds = int(deployed.clock.now() * 1000)
    widget = invoke.function.invoke({"widgetContext": {
        "theme": "light", "width": 600, "height": 400, "params": {},
        "timeRange": {"mode": "absolute", "start": milliseconds - 3_600_000, "end": milliseconds},
    }}).response
    assert {o: int(count) for o, count in PAGE_FIGURES.findall(widget)} == failures
    deployed.task("digest", since="1h")
    assert "Failures: 8 recorded." in deployed.messages()[-1].email


def test_one_key_at_the_command_line(deployed: Deployment, invoke: Invoke) -> None:
    deployed.events(*(deployed.records.refused(KEY, ago=60 * n) for n in range(1, 4)))
    deployed.events(deployed.records.refused("AKIADEPLOYCI9EXAMPLE"))
    printed = json.loads(
        command_line(deployed, invoke, "--access-key-id", KEY, "--format", "json")
    )
    assert printed["access_key_id"] == KEY
    assert printed["totals"]["failures"]["recorded"] == 3


def test_what_is_not_there_is_told(deployed: Deployment, invoke: Invoke) -> None:
    said = command_line(deployed, invoke, "--function", "other-summary", code=2)
    assert "is it deployed in this region?" in said
    said = command_line(deployed, invoke, "--table", "no-such-table", code=2)
    assert "cannot read the table no-such-table" in said
