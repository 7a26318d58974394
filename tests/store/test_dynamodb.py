"""The tests of the store that need a DynamoDB, over a good network and over a bad one.

They are written in Rust, beside the store; this starts what they need and sees that they ran.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from pathlib import Path
from typing import Iterator

import pytest

from rigs import proxy as faults
from rigs.aws import Moto
from rigs.fixtures import moto_server  # noqa: F401
from rigs.proxy import Call, Fault, Proxy
from rigs.serve import Answer

ROOT = Path(__file__).resolve().parents[2]
SUITES = ("conformance", "counting")
WRITES = ("TransactWriteItems", "PutItem")


def run(url: str, which: str = "on_dynamodb::") -> dict[str, str]:
    """How each of these tests went, by its name."""
    done = subprocess.run(
        ["cargo", "test", "--locked", "-p", "failure-monitor", "--lib", which,
         "--", "--include-ignored"],
        cwd=ROOT, capture_output=True, text=True, timeout=900,
        env={**os.environ, "FAILURE_MONITOR_TEST_DYNAMODB": url, "RUST_BACKTRACE": "0"},
    )
    went = dict(re.findall(r"^test (\S+) \.\.\. (\w+)$", done.stdout, re.MULTILINE))
    assert done.returncode == 0, done.stdout + done.stderr
    return went


def expected() -> set[str]:
    """The tests that the sources hand to `on_each_store!`, read apart from what cargo says."""
    names = set()
    for suite in SUITES:
        text = (ROOT / f"lambda/app/src/store/tests/{suite}.rs").read_text()
        listed = re.search(r"^on_each_store!\((.*?)\);", text, re.DOTALL | re.MULTILINE)
        assert listed, suite
        for name in re.findall(r"\w+", listed[1]):
            names.add(f"store::tests::{suite}::on_dynamodb::{name}")
    return names


def check(went: dict[str, str]) -> None:
    assert set(went) == expected()
    assert len(went) >= 25
    assert set(went.values()) == {"ok"}


def test_every_promise_holds_on_dynamodb(moto_server: Moto) -> None:  # noqa: F811
    moto_server.reset()
    check(run(moto_server.url))


@pytest.fixture
def bad_network(moto_server: Moto) -> Iterator[Proxy]:  # noqa: F811
    moto_server.reset()
    server = Proxy(moto_server.url)
    yield server
    server.stop()


class Every:
    """Hits each nth call with a fault, and hands the others on."""

    def __init__(self, nth: int, fault: Fault, otherwise: Fault):
        self.nth, self.fault, self.otherwise = nth, fault, otherwise
        self.calls = self.hits = 0
        self.lock = threading.Lock()

    def __call__(self, call: Call) -> Answer:
        with self.lock:
            self.calls += 1
            hit = self.calls % self.nth == 0
            self.hits += hit
        return self.fault(call) if hit else self.otherwise(call)


def test_every_promise_holds_where_answers_are_lost_and_requests_refused(
    bad_network: Proxy,
) -> None:
    """Changes are made and their answers lost; others meet conflicts, throttling and outages."""
    pass_on = bad_network._pass_on

    def lost(call: Call) -> Answer:
        pass_on(call)
        return Answer(reset=True)

    broken = {}
    for action in WRITES:
        down = Every(17, faults.unavailable, pass_on)
        conflicting = Every(11, faults.conflict, down)
        broken[action] = Every(7, lost, conflicting)
        bad_network.fault(f"dynamodb:{action}", broken[action])
    for action in ("BatchGetItem", "Query", "DeleteItem"):
        broken[action] = Every(5, faults.throttled, pass_on)
        bad_network.fault(f"dynamodb:{action}", broken[action])
    check(run(bad_network.url))
    hits = {action: fault.hits for action, fault in broken.items()}
    assert hits["TransactWriteItems"] >= 20, hits
    assert hits["PutItem"] >= 5 and hits["BatchGetItem"] >= 10 and hits["Query"] >= 5, hits


def test_all_tries_of_a_transaction_carry_one_token(bad_network: Proxy) -> None:
    """The server here does not know the tokens; DynamoDB does, and answers for ten minutes."""
    bad_network.fault("dynamodb:TransactWriteItems", faults.conflict, times=3)
    assert len(run(bad_network.url, "on_dynamodb::counters")) == 2
    tries: dict[str, list[Call]] = {}
    for call in bad_network.found("dynamodb:TransactWriteItems"):
        tries.setdefault(call.json["ClientRequestToken"], []).append(call)
    repeated = [calls for calls in tries.values() if len(calls) > 1]
    assert sum(len(calls) - 1 for calls in repeated) >= 3
    for calls in repeated:
        assert len({call.request.body for call in calls}) == 1, "one token, two transactions"
    assert all(re.fullmatch(r"[0-9a-f]{32}", token) for token in tries)
