"""The Slack function: alerts of the topic in, a webhook out."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

from rigs.runtime_api import Function, Invocation
from rigs.webhook import Webhook

from .deployment import WEBHOOK, Deployment
from .payloads import sns_event


@pytest.fixture
def hook() -> Iterator[Webhook]:
    server = Webhook()
    yield server
    server.stop()


@pytest.fixture
def slack(deployed: Deployment, hook: Webhook) -> Function:
    deployed.moto.client("ssm").put_parameter(
        Name=WEBHOOK, Value=hook.url + hook.path, Type="SecureString"
    )
    return deployed.function("slack", {"FAILURE_MONITOR_SLACK_WEBHOOK_PARAMETER": WEBHOOK})


def send(slack: Function, message: str, timeout: float = 20) -> Invocation:
    invocation = slack.invoke(sns_event(message), timeout)
    assert "rigs-webhook-secret" not in slack.output
    assert "panicked" not in slack.output
    return invocation


def alert(deployed: Deployment, **changes: Any) -> str:
    deployed.events(*(deployed.records.refused(ago=n, **changes) for n in range(3)))
    return deployed.messages()[-1].parts["lambda"]


def texts(value: Any) -> Iterator[str]:
    """Every text of a message, wherever it stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def check_blocks(body: dict[str, Any]) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks"""
    assert body["text"]
    blocks = body["blocks"]
    assert 1 <= len(blocks) <= 50
    for block in blocks:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert 1 <= len(block["text"]["text"]) <= 150
        if block["type"] == "section":
            if "text" in block:
                assert 1 <= len(block["text"]["text"]) <= 3000
            assert len(block.get("fields", [])) <= 10
            assert all(1 <= len(field["text"]) <= 2000 for field in block.get("fields", []))
            assert "text" in block or block.get("fields")
        if block["type"] == "context":
            assert 1 <= len(block["elements"]) <= 10


def test_an_alert_becomes_blocks(deployed: Deployment, slack: Function, hook: Webhook) -> None:
    invocation = send(slack, alert(deployed))
    assert invocation.error is None, invocation.story()
    [body] = hook.got
    check_blocks(body)
    everything = "\n".join(texts(body))
    assert "203.0.113.10" in everything and "deploy-ci" in everything
    assert "AKIADEPLOYCI1EXAMPLE" not in everything


def test_hostile_text_mentions_nobody(deployed: Deployment, slack: Function, hook: Webhook) -> None:
    evil = "<!channel> <@U012AB3CD> <https://evil.example|ok> & " + "x" * 10_000
    send(slack, alert(deployed, agent=evil, user="<!here> eve"))
    [body] = hook.got
    check_blocks(body)
    everything = "\n".join(texts(body))
    for bad in ("<!channel>", "<!here>", "<@U012AB3CD>", "<https://evil.example"):
        assert bad not in everything


def test_the_address_is_in_no_log_whatever_is_logged(deployed: Deployment, hook: Webhook) -> None:
    deployed.moto.client("ssm").put_parameter(
        Name=WEBHOOK, Value=hook.url + hook.path, Type="SecureString"
    )
    function = deployed.function("slack", {
        "FAILURE_MONITOR_SLACK_WEBHOOK_PARAMETER": WEBHOOK, "FAILURE_MONITOR_LOG": "trace",
    })
    send(function, alert(deployed))
    hook.then(404, "no_service")
    assert send(function, alert(deployed)).error
    # The deployed build has no TRACE.
    assert len(hook.got) == 1 and '"level":"DEBUG"' in function.output


def test_an_answer_without_end_is_cut(deployed: Deployment, slack: Function, hook: Webhook) -> None:
    hook.then(403, "\x1b[2J" + "no " * 1_000_000)
    invocation = send(slack, alert(deployed))
    assert invocation.error and "Slack answered 403: [2Jno no" in json.dumps(invocation.error)
    assert len(json.dumps(invocation.error)) < 1000


def test_retry_after_is_honoured(deployed: Deployment, slack: Function, hook: Webhook) -> None:
    hook.then(429, "rate_limited", Retry_After="1")
    invocation = send(slack, alert(deployed))
    assert invocation.error is None, invocation.story()
    assert invocation.seconds >= 1
    assert (len(hook.refused), len(hook.got)) == (1, 1)


def test_a_long_retry_after_fails_in_time_so_that_sns_tries_again(
    deployed: Deployment, slack: Function, hook: Webhook
) -> None:
    hook.then(429, "rate_limited", Retry_After="600")
    invocation = send(slack, alert(deployed), timeout=8)
    assert invocation.error and not invocation.timed_out, invocation.story()
    assert hook.got == []


@pytest.mark.parametrize("status, text", [(404, "no_service"), (403, "action_prohibited"), (400, "invalid_blocks")])
def test_other_refusals_are_logged_and_fail(
    deployed: Deployment, slack: Function, hook: Webhook, status: int, text: str
) -> None:
    hook.then(status, text)
    invocation = send(slack, alert(deployed))
    assert invocation.error, invocation.story()
    assert str(status) in invocation.output
    assert len(hook.refused) == 1 and hook.got == []


def test_a_fault_of_slack_is_tried_again(deployed: Deployment, slack: Function, hook: Webhook) -> None:
    hook.then(500, "oops")
    invocation = send(slack, alert(deployed))
    assert len(hook.got) == 1 or invocation.error, invocation.story()


def test_a_missing_parameter_is_said(deployed: Deployment) -> None:
    function = deployed.function("slack", {"FAILURE_MONITOR_SLACK_WEBHOOK_PARAMETER": WEBHOOK})
    function.start()
    assert function.process
    if function.process.poll() is None:  # It may look when it first needs it.
        invocation = function.invoke(sns_event("{}"))
        assert invocation.error or invocation.crashed
    assert WEBHOOK in function.output + json.dumps(function.init_error)


def test_an_alarm_of_cloudwatch_is_passed_on(slack: Function, hook: Webhook) -> None:
    """The topic carries the alarms about our own health, too."""
    alarm = {
        "AlarmName": "fm-no-data", "AlarmDescription": "Nothing was seen for 6 hours",
        "AWSAccountId": "111122223333", "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: no datapoints were received",
        "StateChangeTime": "2025-01-14T10:00:00.000+0000", "Region": "US East (N. Virginia)",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:fm-no-data",
        "OldStateValue": "OK", "Trigger": {"MetricName": "Seen", "Namespace": "FailureMonitor"},
    }
    invocation = send(slack, json.dumps(alarm))
    assert invocation.error is None, invocation.story()
    [body] = hook.got
    assert "fm-no-data" in json.dumps(body)
    assert "Nothing was seen" in json.dumps(body)


def test_text_that_is_no_alert_is_passed_on_escaped(slack: Function, hook: Webhook) -> None:
    invocation = send(slack, "Hello <!channel> & all")
    assert invocation.error is None, invocation.story()
    assert "<!channel>" not in json.dumps(hook.got)
