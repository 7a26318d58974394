"""Ten thousand failures at once: everything counted, few messages, in the time there is."""

from __future__ import annotations

from rigs.proxy import writes

from .deployment import Deployment
from .payloads import envelope, failed, sqs

FAILURES, KEYS, SOURCES, BATCH = 10_000, 20, 200, 1000


def test_a_storm(deployed: Deployment, record_property: object) -> None:
    failures = [
        deployed.records.refused(
            f"AKIADEPLOYC{chr(65 + n % KEYS)}0EXAMPLE", ago=n // 40, source=f"192.0.2.{n % SOURCES}"
        )
        for n in range(FAILURES)
    ]
    seconds = 0.0
    for start in range(0, FAILURES, BATCH):
        batch = [envelope(record) for record in failures[start : start + BATCH]]
        invocation = deployed.invoke(sqs(*batch), timeout=60)
        assert failed(invocation.response) == [], invocation.output[-2000:]
        seconds += invocation.seconds
    seconds += deployed.deliver().seconds
    items, requests = writes(deployed.proxy.calls)
    told = len(deployed.messages())
    print(
        f"{FAILURES} failures in {seconds:.1f} s: {items} items written in {requests} requests, "
        f"{told} messages"
    )
    assert deployed.counted() == FAILURES
    assert len(deployed.summary()["access_keys"]) == KEYS
    assert 1 <= told <= 40
    # A marker each, and two for each group of a batch, with room for incidents.
    assert items <= FAILURES + 4 * SOURCES * (FAILURES // BATCH)
