"""The sweep over LookupEvents: nothing is left out, nothing is asked too fast."""

from __future__ import annotations

from typing import Any

from rigs.proxy import error, throttled
from rigs.records import KEY

from .deployment import Deployment

HOUR = 3600


def coverage(deployed: Deployment) -> dict[str, Any]:
    """What the sweep read, by region."""
    return {
        one["region"]: one for one in deployed.summary()["coverage"] if one["intake"] == "sweep"
    }


def test_all_regions_and_only_those(deployed: Deployment) -> None:
    records = deployed.records
    deployed.lookup.put(
        *(records.refused(ago=100 + n, region="us-east-1") for n in range(3)),
        *(records.refused(ago=100 + n, region="eu-west-1", source="203.0.113.11") for n in range(2)),
        *(records.refused(ago=100 + n, region="ap-south-1") for n in range(4)),
        records.use(ago=200),
    )
    invocation = deployed.sweep()
    assert deployed.counted() == 5
    assert invocation.metric("CoverageHoleSeconds", Name="fm") == 0
    lag = invocation.metric("SweepLagSeconds", Name="fm")
    assert lag is not None and 0 <= lag < 1800, invocation.output
    assert {one["region"] for one in deployed.lookup.asked} == {"us-east-1", "eu-west-1"}
    assert set(coverage(deployed)) == {"us-east-1", "eu-west-1"}


def test_the_first_sweep_goes_back_a_day_and_the_next_only_what_is_new(
    deployed: Deployment,
) -> None:
    records = deployed.records
    deployed.lookup.put(records.refused(ago=23 * HOUR), records.refused(ago=25 * HOUR))
    deployed.sweep()
    assert deployed.counted() == 1
    asked = len(deployed.lookup.asked)
    deployed.clock.advance(300)
    deployed.sweep()
    again = deployed.lookup.asked[asked:]
    now = deployed.clock.now()
    for one in again:
        assert now - one["StartTime"] < 3600, one


def test_two_requests_a_second_are_kept(deployed: Deployment) -> None:
    deployed.lookup.put(*(deployed.records.use(ago=60 + n) for n in range(260)))
    deployed.sweep()
    assert deployed.lookup.throttled <= 1  # A clock's hair, not a habit.
    assert len(deployed.lookup.asked) >= 8


def test_throttling_by_others_is_waited_out(deployed: Deployment) -> None:
    """The account shares its two requests a second with everybody else in it."""
    deployed.lookup.put(*(deployed.records.refused(ago=60 + n) for n in range(120)))
    deployed.proxy.fault("cloudtrail:LookupEvents", throttled, skip=2, times=6)
    deployed.sweep()
    if deployed.counted() < 120:
        deployed.clock.advance(300)
        deployed.sweep()
    assert deployed.counted() == 120


def test_an_expired_token_leaves_no_hole(deployed: Deployment) -> None:
    deployed.lookup.put(*(deployed.records.refused(ago=60 + n) for n in range(170)))
    deployed.lookup.tokens_to_refuse = 1
    deployed.sweep()
    if deployed.counted() < 170:
        deployed.clock.advance(300)
        deployed.sweep()
    assert deployed.counted() == 170
    assert all(one["holes"] == [] for one in coverage(deployed).values())


def test_short_and_empty_pages_do_not_end_it(deployed: Deployment) -> None:
    deployed.lookup.put(*(deployed.records.refused(ago=60 + n) for n in range(40)))
    deployed.lookup.page_size, deployed.lookup.empty_pages = 20, 2
    deployed.sweep()
    assert deployed.counted() == 40


def test_records_that_show_late_are_found(deployed: Deployment) -> None:
    late = [deployed.records.refused(ago=120 + n) for n in range(3)]
    deployed.lookup.put(*(deployed.records.refused(ago=60 + n) for n in range(4)))
    deployed.lookup.put(*late, visible_in=500)
    deployed.sweep()
    assert deployed.counted() == 4
    deployed.clock.advance(300)
    deployed.sweep()
    deployed.clock.advance(300)
    deployed.sweep()
    assert deployed.counted() == 7


def test_many_records_in_one_second(deployed: Deployment) -> None:
    """More than a page, all at the very same time, where a page ends."""
    deployed.lookup.put(*(deployed.records.refused(ago=100) for _ in range(130)))
    deployed.sweep()
    assert deployed.counted() == 130


def test_a_deadline_leaves_ranges_open_and_no_hole(deployed: Deployment) -> None:
    """The full set in the end, though no single sweep has the time for it."""
    failures = [
        deployed.records.refused(ago=30 + 20 * n, source=f"192.0.2.{n % 9}") for n in range(1500)
    ]
    deployed.lookup.put(*failures)
    counts = []
    for _ in range(12):
        invocation = deployed.sweep(timeout=15)
        assert invocation.seconds < 15
        counts.append(deployed.counted())
        if counts[-1] == 1500:
            break
        assert invocation.metric("CoverageHoleSeconds", Name="fm", ), invocation.output
        deployed.clock.advance(60)
    assert counts[-1] == 1500, counts
    assert len(counts) > 1, "it had time for all of it: this proves nothing"
    assert counts == sorted(counts) and 0 < counts[0] < 1500
    assert all(one["holes"] == [] for one in coverage(deployed).values())
    found = {g["source"]: g["failures"]["recorded"] for g in deployed.summary()["groups"]}
    expected: dict[str, int] = {}
    for failure in failures:
        expected[failure["sourceIPAddress"]] = expected.get(failure["sourceIPAddress"], 0) + 1
    assert found == expected


def test_a_region_that_refuses_stops_no_other(deployed: Deployment) -> None:
    records = deployed.records
    deployed.set(REGIONS="eu-south-1,us-east-1")
    deployed.lookup.put(*(records.refused(ago=60 + n) for n in range(3)))
    denied = error("AccessDeniedException", 400, "no identity-based policy allows it")
    real = deployed.lookup.answer

    def answer(request: Any) -> Any:
        if "/eu-south-1/" in request.headers.get("authorization", ""):
            from rigs.proxy import identify

            return denied(identify(request))
        return real(request)

    deployed.lookup.answer = answer  # type: ignore[method-assign]
    invocation = deployed.sweep()
    assert deployed.counted() == 3
    assert invocation.metric("CoverageHoleSeconds", Name="fm"), invocation.output
    assert coverage(deployed)["eu-south-1"]["problem"]


def test_a_sweep_sends_what_is_due(deployed: Deployment) -> None:
    deployed.lookup.put(*(deployed.records.refused(ago=60 + n) for n in range(3)))
    deployed.sweep()
    [alert] = deployed.alerts()
    assert alert["incidents"][0]["access_key_id"] == KEY
