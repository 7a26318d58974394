"""The Runtime API, asked by a small function in Python."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

from .clock import Clock
from .runtime_api import Function

BOOTSTRAP = """#!{python}
import http.client, json, os, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
base = "/2018-06-01/runtime/"
def post(path, body):
    api.request("POST", base + path, json.dumps(body))
    answer = api.getresponse(); answer.read()
    return answer.status
if os.environ["_HANDLER"] == "bad":
    post("init/error", {{"errorType": "Config", "errorMessage": "bad handler"}})
    sys.exit(1)
while True:
    api.request("GET", base + "invocation/next")
    answer = api.getresponse()
    asked = json.loads(answer.read())
    head = {{k.lower(): v for k, v in answer.getheaders()}}
    rid = head["lambda-runtime-aws-request-id"]
    print("not JSON", asked, flush=True)
    print(json.dumps({{"_aws": {{"Timestamp": 1, "CloudWatchMetrics": [{{"Namespace": "Test",
        "Dimensions": [["Name"], ["Name", "Kind"]], "Metrics": [{{"Name": "Seen", "Unit": "Count"}}]}}]}},
        "Name": "n", "Kind": "k", "Seen": 3}}), flush=True)
    if asked == "sleep": time.sleep(60)
    if asked == "die": os._exit(3)
    if asked == "error":
        post(f"invocation/{{rid}}/error", {{"errorType": "E", "errorMessage": "m"}})
        continue
    wrong = post("invocation/not-this/response", 1)
    post(f"invocation/{{rid}}/response", {{"head": head, "wrong": wrong, "now": time.time(),
        "left": int(head["lambda-runtime-deadline-ms"]) / 1000 - time.time(),
        "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "given": os.environ.get("GIVEN")}})
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "bootstrap"
    path.write_text(BOOTSTRAP.format(python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def function(script: Path, clock: Clock) -> Iterator[Function]:
    made = Function(script, "monitor", {"GIVEN": "yes"}, clock=clock)
    yield made
    made.stop()


def test_invocations_one_after_another(function: Function) -> None:
    first, second = function.invoke("one", timeout=9), function.invoke("two", timeout=9)
    for invocation in (first, second):
        answer = invocation.response
        assert answer["head"]["lambda-runtime-aws-request-id"] == invocation.request_id
        assert answer["head"]["lambda-runtime-invoked-function-arn"] == function.arn
        assert answer["head"]["lambda-runtime-trace-id"].startswith("Root=1-")
        assert 8 < answer["left"] <= 9
        assert answer["given"] == "yes"
        assert answer["wrong"] == 400
    assert first.request_id != second.request_id
    assert "one" in first.output and "two" not in first.output
    assert "two" in second.output and "one" not in second.output
    assert function.init_seconds > 0
    assert function.memory() >= function.memory("VmRSS") > 1_000_000


def test_metrics_are_read_for_each_set_of_dimensions(function: Function) -> None:
    invocation = function.invoke("x")
    assert invocation.metric("Seen", Name="n") == 3
    assert invocation.metric("Seen", Name="n", Kind="k") == 3
    assert invocation.metric("Seen", Kind="k") is None
    assert invocation.metrics[0].namespace == "Test"


def test_errors_crashes_and_timeouts_are_told_apart(function: Function) -> None:
    assert function.invoke("error").error == {"errorType": "E", "errorMessage": "m"}
    assert function.invoke("die").crashed
    begun = time.monotonic()
    assert function.invoke("sleep", timeout=0.5).timed_out
    assert time.monotonic() - begun < 5
    assert function.invoke("again").response["name"] == "failure-monitor-monitor"


def test_a_kill_at_a_chosen_moment(function: Function) -> None:
    begun = function.begin("sleep")
    assert begun.taken.wait(10)
    function.kill()
    assert function.wait(begun).crashed


def test_an_error_at_start(script: Path) -> None:
    function = Function(script, "bad", {}).start()
    assert function.process and function.process.wait(10) == 1
    assert function.init_error == {"errorType": "Config", "errorMessage": "bad handler"}
    function.stop()


def test_several_at_once(script: Path, clock: Clock) -> None:
    functions = [Function(script, "monitor", {}, clock=clock).start() for _ in range(3)]
    begun = [function.begin(n) for n, function in enumerate(functions)]
    ended = [function.wait(one) for function, one in zip(functions, begun)]
    assert all(one.response for one in ended)
    for function in functions:
        function.stop()
        assert function.process and function.process.poll() is not None


def test_the_clock_of_a_running_process_moves(function: Function, clock: Clock) -> None:
    assert abs(function.invoke(1).response["now"] - time.time()) < 5
    clock.advance(7200)
    answer = function.invoke(2, timeout=9).response
    assert abs(answer["now"] - time.time() - 7200) < 5
    assert 8 < answer["left"] <= 9
    clock.advance(-10800)
    assert abs(function.invoke(3).response["now"] - time.time() + 3600) < 5


def test_nothing_is_left_behind(function: Function) -> None:
    function.start()
    assert function.process
    number = function.process.pid
    function.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
