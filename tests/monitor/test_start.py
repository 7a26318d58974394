"""How the functions start, and how they refuse to."""

from __future__ import annotations

from typing import Any

import pytest

from rigs.runtime_api import Function

from .deployment import Deployment, check_log


def refusal(function: Function) -> str:
    """What a function says that does not start: to Lambda, or in its log, best in both."""
    function.start()
    assert function.process
    assert function.process.wait(10) != 0
    assert "panicked" not in function.output
    said = (function.init_error or {}).get("errorMessage", "")
    return f"{said}\n{function.output}"


def test_every_mistake_in_the_settings_is_said_at_once(deployed: Deployment) -> None:
    wrong = {
        "FAILURE_MONITOR_TABLE": "",
        "FAILURE_MONITOR_TOPIC_ARN": "alerts",
        "FAILURE_MONITOR_REGIONS": "us-east-1,Frankfurt",
        "FAILURE_MONITOR_THRESHOLD": "0",
        "FAILURE_MONITOR_WINDOW": "soon",
        "FAILURE_MONITOR_UNMASK": "yes",
        "FAILURE_MONITOR_IGNORE": '[{"sauce":"192.0.2.0/24"}]',
        "FAILURE_MONITOR_MAX_INFLATED": "1",
    }
    said = refusal(deployed.function("monitor", wrong))
    for name, value in wrong.items():
        assert name in said, said
    for value in ("Frankfurt", "soon", "yes", "sauce"):
        assert value in said
    assert "true or false" in said
    assert "15m" in said  # What a duration looks like.
    assert deployed.proxy.calls == []


@pytest.mark.parametrize(
    "handler, name",
    [
        ("summary", "FAILURE_MONITOR_TABLE"),
        ("slack", "FAILURE_MONITOR_SLACK_WEBHOOK_PARAMETER"),
    ],
)
def test_each_handler_asks_for_what_it_needs(
    deployed: Deployment, handler: str, name: str
) -> None:
    assert name in refusal(deployed.function(handler, {name: ""}))


def test_an_unknown_handler_is_told_the_known_ones(deployed: Deployment) -> None:
    said = refusal(deployed.function("main.handler"))
    for handler in ("monitor", "summary", "slack"):
        assert handler in said


def test_nothing_is_asked_of_aws_before_there_is_work(deployed: Deployment) -> None:
    deployed.monitor.start()
    assert deployed.proxy.calls == []


def test_an_unknown_task_is_told_the_known_ones(deployed: Deployment) -> None:
    error = deployed.invoke({"task": "swep"}).error
    assert error
    for task in ("sweep", "deliver", "digest", "test-alert", "explain", "report"):
        assert task in error["errorMessage"], error
    assert "swep" in error["errorMessage"]


@pytest.mark.parametrize("payload", [{}, [], "text", 7, None, {"task": 7}, {"Records": []}, {"Records": 3}])
def test_odd_payloads_are_refused_or_empty_but_kill_nothing(
    deployed: Deployment, payload: Any
) -> None:
    first = deployed.invoke(payload)
    assert not first.crashed and not first.timed_out, first.story()
    assert deployed.proxy.count("sns:Publish") == 0
    process = deployed.monitor.process
    deployed.events(deployed.records.use())
    assert deployed.monitor.process is process


def test_the_log_names_the_request_and_masks_keys(deployed: Deployment) -> None:
    invocation = deployed.events(*deployed.records.storm(3))
    check_log(invocation)
    logs = [line for line in invocation.lines if "_aws" not in line]
    assert logs and any(invocation.request_id in str(line) for line in logs), invocation.output
    assert "AKIADEPLOYCI1EXAMPLE" not in invocation.output


def test_zeros_are_emitted_too(deployed: Deployment) -> None:
    invocation = deployed.events(deployed.records.use())
    for name in ("Failures", "Duplicates", "Skipped", "AlertsSent", "AlertsPending"):
        assert invocation.metric(name, Name="fm") == 0, (name, invocation.output)
    assert invocation.metric("Seen", Name="fm") == 1
    for origin in ("recorded", "reported", "predicted"):
        assert invocation.metric("Failures", Name="fm", Origin=origin) == 0
    assert {metric.namespace for metric in invocation.metrics} == {"FailureMonitor"}
