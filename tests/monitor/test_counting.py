"""Each failure is counted once, however often and by whatever way it comes."""

from __future__ import annotations

import random
import threading
from typing import Any

from rigs.records import KEY, log_file

from .deployment import Deployment
from .payloads import envelope, failed, s3_notification, sqs, trail_key


def test_by_eventbridge_sweep_and_file(deployed: Deployment) -> None:
    failures = [deployed.records.refused(ago=60 + 10 * n) for n in range(6)]
    deployed.lookup.put(*failures)
    deployed.file(log_file(failures))
    first = deployed.events(*failures[:4])
    assert first.metric("Failures", Name="fm") == 4
    assert first.metric("Duplicates", Name="fm") == 0
    swept = deployed.sweep()
    assert swept.metric("Duplicates", Name="fm") == 4, swept.output
    filed = deployed.take(s3_notification("logs", trail_key()))
    assert filed.metric("Duplicates", Name="fm") == 6
    assert deployed.counted("recorded") == deployed.counted() == 6
    assert len(deployed.alerts()) == 1


def test_duplicates_inside_one_batch(deployed: Deployment) -> None:
    failures = deployed.records.storm(5)
    invocation = deployed.events(*failures, *failures, *failures[:2])
    assert invocation.metric("Seen", Name="fm") == 12
    assert invocation.metric("Duplicates", Name="fm") == 7
    assert deployed.counted() == 5


def test_any_order_and_any_repetition_gives_the_same(deployed: Deployment) -> None:
    chance = random.Random(7)
    failures = [
        deployed.records.refused(
            f"AKIADEPLOYCI{n % 3}EXAMPLE", ago=n * 7, source=f"192.0.2.{n % 5}"
        )
        for n in range(60)
    ]
    deliveries = failures + chance.choices(failures, k=60)
    chance.shuffle(deliveries)
    for start in range(0, len(deliveries), 17):
        deployed.events(*deliveries[start : start + 17])
    summary = deployed.summary()
    assert summary["totals"]["failures"]["recorded"] == 60
    found = {(g["access_key_id"], g["source"]): g["failures"]["recorded"] for g in summary["groups"]}
    expected: dict[tuple[str, str], int] = {}
    for failure in failures:
        name = (failure["userIdentity"]["accessKeyId"], failure["sourceIPAddress"])
        expected[name] = expected.get(name, 0) + 1
    assert found == expected


def test_two_functions_on_one_group(deployed: Deployment) -> None:
    shared = deployed.records.storm(40)
    own = [deployed.records.storm(120), deployed.records.storm(120)]
    functions = [deployed.monitor.start(), deployed.function("monitor").start()]
    answers: list[Any] = [None, None]

    def work(number: int) -> None:
        left = own[number] + shared
        random.Random(number).shuffle(left)
        bodies = [envelope(record) for record in left]
        results = []
        for start in range(0, len(bodies), 20):
            batch = bodies[start : start + 20]
            for _ in range(10):  # What fails returns to the queue, and comes again.
                invocation = functions[number].invoke(sqs(*batch), timeout=60)
                results.append(invocation)
                batch = [batch[n] for n in failed(invocation.response)]
                if not batch:
                    break
            assert not batch
        answers[number] = results

    threads = [threading.Thread(target=work, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert all(answers), "a worker died"
    assert deployed.counted("recorded") == deployed.counted() == 280
    [group] = deployed.summary()["groups"]
    assert group["access_key_id"] == KEY
    alerts = deployed.alerts()
    assert len({alert["alert_id"] for alert in alerts}) == 1


def test_a_summary_of_one_key(deployed: Deployment) -> None:
    other = "AKIADEPLOYCI2EXAMPLE"
    deployed.events(*deployed.records.storm(3), *deployed.records.storm(2, key=other))
    summary = deployed.summary(access_key_id=other)
    assert summary["totals"]["failures"]["recorded"] == 2
    assert summary["access_key_id"] == other


def test_failures_without_key_or_time(deployed: Deployment) -> None:
    deployed.events(
        deployed.records.refused(None, ago=1), deployed.records.refused("", ago=2),
        deployed.records.refused(ago=3),
    )
    groups = {group["access_key_id"]: group for group in deployed.summary()["groups"]}
    assert set(groups) == {None, KEY}
    assert groups[None]["failures"]["recorded"] == 2


def test_old_failures_belong_to_their_own_hour(deployed: Deployment) -> None:
    deployed.events(*(deployed.records.refused(ago=ago) for ago in (10, 5 * 3600, 30 * 3600)))
    assert deployed.summary(since="1h")["totals"]["failures"]["recorded"] == 1
    assert deployed.summary(since="6h")["totals"]["failures"]["recorded"] == 2
    assert deployed.summary(since="48h")["totals"]["failures"]["recorded"] == 3
