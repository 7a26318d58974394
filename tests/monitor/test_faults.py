"""Everything around the function breaks, one thing at a time; and the function dies."""

from __future__ import annotations

from typing import Any

import pytest

from rigs.proxy import conflict, error, reset, throttled, unavailable

from .deployment import Deployment
from .payloads import envelope, failed, sqs


def redeliver(deployed: Deployment, records: list[dict[str, Any]], times: int = 8) -> None:
    """As the queue does: what fails comes again, and all of it where the function died."""
    bodies = [envelope(record) for record in records]
    for _ in range(times):
        invocation = deployed.invoke(sqs(*bodies), timeout=30)
        if invocation.crashed or invocation.timed_out or invocation.error:
            continue
        bodies = [bodies[number] for number in failed(invocation.response)]
        if not bodies:
            return
    raise AssertionError(f"{len(bodies)} messages never succeeded")


def test_sns_is_down_for_a_while(deployed: Deployment) -> None:
    down = deployed.proxy.fault("sns:Publish", unavailable)
    invocation = deployed.invoke(
        sqs(*(envelope(record) for record in deployed.records.storm(3))), timeout=20
    )
    assert invocation.error is None, invocation.story()
    assert failed(invocation.response) == []  # It is counted; the outbox keeps the message.
    assert deployed.counted() == 3
    assert down.hit > 0
    assert invocation.metric("AlertsPending", Name="fm") == 1
    deployed.invoke({"task": "deliver"}, timeout=20)
    assert deployed.inbox.all() == []
    deployed.proxy.heal()
    invocation = deployed.deliver()
    assert invocation.metric("AlertsSent", Name="fm") == 1
    assert invocation.metric("AlertsPending", Name="fm") == 0
    [message] = deployed.inbox.all()
    deployed.deliver()
    deployed.sweep()
    assert [one.json["alert_id"] for one in deployed.inbox.all()] == [message.json["alert_id"]]


@pytest.mark.parametrize("fault", [throttled, unavailable, reset, conflict], ids=lambda f: f.__name__)
def test_the_table_fails_now_and_then(deployed: Deployment, fault: Any) -> None:
    """A few refusals in a row are waited out within one invocation or by the queue."""
    deployed.proxy.fault("dynamodb:TransactWriteItems", fault, times=3)
    redeliver(deployed, deployed.records.storm(30))
    assert deployed.counted() == 30
    assert len({alert["alert_id"] for alert in deployed.alerts()}) == 1


def test_the_table_throttles_all_the_time(deployed: Deployment) -> None:
    """The messages return to the queue, in time, and are counted once when it is over."""
    records = deployed.records.storm(12)
    deployed.proxy.fault("dynamodb:*", throttled)
    invocation = deployed.invoke(sqs(*(envelope(record) for record in records)), timeout=12)
    assert not invocation.timed_out and not invocation.crashed, invocation.story()
    assert invocation.error or failed(invocation.response) == list(range(12))
    assert deployed.messages() == []
    deployed.proxy.heal()
    redeliver(deployed, records)
    assert deployed.counted() == 12
    assert len(deployed.inbox.all()) == 1


def test_the_table_is_gone_in_the_middle(deployed: Deployment) -> None:
    """Some transactions went through, and the answer to one was lost."""
    records = deployed.records.storm(120)
    deployed.proxy.fault("dynamodb:*", unavailable, skip=4)
    first = deployed.invoke(sqs(*(envelope(record) for record in records)), timeout=12)
    assert not first.timed_out and not first.crashed, first.story()
    deployed.proxy.heal()
    redeliver(deployed, records)
    assert deployed.counted() == 120
    assert len({one.json["alert_id"] for one in deployed.inbox.all()}) == 1


def test_an_answer_of_the_table_is_lost(deployed: Deployment) -> None:
    """The write happened, but nobody heard of it: it must not be counted again."""
    records = deployed.records.storm(3)
    gate = deployed.proxy.hold("dynamodb:TransactWriteItems", after=True)
    begun = deployed.monitor.begin(sqs(*(envelope(record) for record in records)))
    gate.wait()
    deployed.monitor.kill()
    gate.open()
    assert deployed.monitor.wait(begun).crashed
    redeliver(deployed, records)
    assert deployed.counted() == 3
    deployed.deliver()
    assert len({one.json["alert_id"] for one in deployed.inbox.all()}) == 1


def test_killed_between_claim_and_send(deployed: Deployment) -> None:
    records = deployed.records.storm(3)
    gate = deployed.proxy.hold("sns:Publish")
    begun = deployed.monitor.begin(sqs(*(envelope(record) for record in records)))
    gate.wait()
    deployed.monitor.kill()
    gate.drop()
    assert deployed.monitor.wait(begun).crashed
    assert deployed.inbox.all() == []
    redeliver(deployed, records)
    deployed.deliver()
    deployed.clock.advance(600)  # Should a claim have to grow old first.
    deployed.deliver()
    assert len(deployed.inbox.all()) == 1
    assert deployed.counted() == 3


def test_killed_between_send_and_mark(deployed: Deployment) -> None:
    records = deployed.records.storm(3)
    gate = deployed.proxy.hold("sns:Publish", after=True)
    begun = deployed.monitor.begin(sqs(*(envelope(record) for record in records)))
    gate.wait()
    deployed.monitor.kill()
    gate.open()
    assert deployed.monitor.wait(begun).crashed
    assert len(deployed.inbox.all()) == 1
    redeliver(deployed, records)
    deployed.clock.advance(600)
    deployed.deliver()
    deployed.deliver()
    ids = [one.json["alert_id"] for one in deployed.inbox.all()]
    assert len(ids) == 2 and len(set(ids)) == 1  # Sent again, and recognisable as the same.
    assert deployed.counted() == 3


def test_killed_at_any_call_to_aws(deployed: Deployment) -> None:
    """Whatever was the last call, nothing is lost and nothing is counted twice."""
    total = 0
    for step in range(12):
        records = deployed.records.storm(3, key=f"AKIADEPLOYC{chr(65 + step)}0EXAMPLE", source=f"192.0.2.{step}")
        total += 3
        before = len(deployed.proxy.calls)
        gates = [deployed.proxy.hold(f"{name}:*", skip=step % 6, after=bool(step % 2)) for name in ("dynamodb",)]
        begun = deployed.monitor.begin(sqs(*(envelope(record) for record in records)))
        reached = gates[0].reached.wait(5)
        if reached:
            deployed.monitor.kill()
            gates[0].drop() if not gates[0].after else gates[0].open()
        deployed.monitor.wait(begun)
        deployed.proxy.heal()
        assert len(deployed.proxy.calls) > before
        redeliver(deployed, records)
    assert deployed.counted() == total
    deployed.clock.advance(600)
    deployed.deliver()
    told = {one["access_key_id"] for alert in deployed.alerts() for one in alert["incidents"]}
    assert len(told) == 12


def test_a_deadline_in_a_batch_returns_the_rest(deployed: Deployment) -> None:
    records = deployed.records.storm(200)
    deployed.proxy.fault("dynamodb:*", delay=1.5)
    invocation = deployed.invoke(sqs(*(envelope(record) for record in records)), timeout=8)
    assert not invocation.timed_out, invocation.story()
    deployed.proxy.heal()
    redeliver(deployed, records)
    assert deployed.counted() == 200


def test_the_clock_jumps(deployed: Deployment) -> None:
    """Back by two hours, ahead by three: nothing twice, nothing lost, no flood."""
    deployed.events(*deployed.records.storm(3))
    deployed.clock.advance(-2 * 3600)
    deployed.events(*deployed.records.storm(4))
    deployed.deliver()
    deployed.clock.advance(3 * 3600)
    deployed.events(*deployed.records.storm(5))
    deployed.deliver()
    assert deployed.counted() == 12
    assert 1 <= len(deployed.alerts()) <= 3
    deployed.sweep()
    deployed.clock.advance(-3600)
    deployed.sweep()
    deployed.clock.advance(2 * 3600)
    deployed.lookup.put(*(deployed.records.refused(ago=5400 + n) for n in range(4)))
    deployed.sweep()
    assert deployed.counted() == 16
    assert len(deployed.alerts()) <= 4


def test_a_topic_that_is_gone_is_said_and_nothing_is_lost(deployed: Deployment) -> None:
    deployed.proxy.fault("sns:Publish", error("NotFound", 404, "Topic does not exist"))
    invocation = deployed.invoke(
        sqs(*(envelope(record) for record in deployed.records.storm(3))), timeout=20
    )
    assert deployed.counted() == 3
    assert "Topic does not exist" in invocation.output or "NotFound" in invocation.output
    deployed.proxy.heal()
    deployed.deliver()
    assert len(deployed.inbox.all()) == 1
