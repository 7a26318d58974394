"""What one thing of each kind costs, counted at the endpoint: infra/costs.py multiplies these."""

from __future__ import annotations

from collections import Counter
from math import ceil

from infra import costs
from rigs import capacity
from rigs.records import log_file
from rigs.runtime_api import Invocation

from .deployment import Deployment
from .payloads import s3_notification, trail_key


class Meter:
    """Counts the calls and the output of invocations since the last reading."""

    def __init__(self, deployed: Deployment):
        self.deployed, self.at = deployed, 0
        self.metrics: set[tuple[str, tuple[tuple[str, str], ...]]] = set()

    def read(self, *ran: Invocation) -> costs.Use:
        calls = self.deployed.proxy.calls[self.at :]
        self.at += len(calls)
        names = Counter(call.name for call in calls)
        for one in ran:
            self.metrics |= {(m.name, tuple(sorted(m.dimensions.items()))) for m in one.metrics}
        written = sum(len(line) + costs.LOG_EVENT for one in ran for line in one.output.splitlines())
        return costs.Use(
            writes=sum(capacity.writes(call, self.deployed.moto) for call in calls),
            reads=sum(capacity.reads(call) for call in calls),
            lookups=names["cloudtrail:LookupEvents"],
            messages=names["sns:Publish"],
            objects=names["s3:GetObject"],
            # Numbers of more and of fewer digits are in the lines.
            log_bytes=ceil(written / 100) * 100,
        )


def test_costs_are_counted(deployed: Deployment) -> None:
    # Half past: a new hour would be one more item.
    deployed.clock.advance(int(1800 - deployed.clock.now() % 3600) % 3600)
    meter = Meter(deployed)
    deployed.sweep()  # The first ones read the past, and say that they are there.
    deployed.clock.advance(300)
    deployed.sweep()
    deployed.clock.advance(300)
    meter.read()

    counted = {"sweep": meter.read(deployed.sweep())}
    counted["deliver"] = meter.read(deployed.deliver())
    idle = len(meter.metrics)

    new = [deployed.records.refused(ago=90 + n) for n in range(3)]
    counted["alert"] = meter.read(deployed.events(*new))
    another = deployed.records.refused(ago=30)
    counted["failure"] = meter.read(deployed.events(another))
    counted["again"] = meter.read(deployed.events(another))
    deployed.file(log_file([deployed.records.use()]), trail_key())
    counted["file"] = meter.read(deployed.take(s3_notification("logs", trail_key())))

    assert counted == costs.COUNTED
    assert idle == costs.METRICS
    assert counted["sweep"].lookups == costs.CHEAP_QUESTIONS + costs.REGIONS
    causes = {name for name, _ in meter.metrics if name == "FailuresByCause"}
    assert len(meter.metrics) == idle + len(causes)
