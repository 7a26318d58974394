"""What a deployment costs a month: counted requests times public prices.

`python -m infra.costs` prints the table of infra/README.md. What one sweep, failure, alert or file
uses is counted; the quantities of the configuration (alarms, schedules, memory) are those of its
defaults; how much happens in an account is assumed. Tests hold the first two, and the README, equal.
"""

from __future__ import annotations

from dataclasses import dataclass

# US dollars, us-east-1, without any free tier. Sources: the pricing pages of Lambda, SQS, DynamoDB
# (on demand), SNS, KMS, CloudWatch, S3 and EventBridge.
DATE = "November 2025"
PRICE = {
    "lambda_gb_second": 0.0000166667,
    "lambda_request": 0.20e-6,
    "sqs_request": 0.40e-6,
    "dynamodb_write": 0.625e-6,
    "dynamodb_read": 0.125e-6,
    "schedule": 1.00e-6,
    "forwarded_event": 1.00e-6,
    "sns_request": 0.50e-6,
    "email": 2.00e-5,
    "kms_key": 1.00,
    "kms_request": 0.03e-4,
    "alarm": 0.10,
    "metric": 0.30,
    "dashboard": 3.00,
    "log_gb": 0.50,
    "log_gb_kept": 0.03,
    "s3_get": 0.40e-6,
}

# Counted by tests/monitor/test_costs.py, which holds these equal to what came to the endpoint.


@dataclass(frozen=True)
class Use:
    """What one thing uses: request units of the table, requests of the others, bytes written."""

    writes: float = 0
    reads: float = 0
    lookups: int = 0  # LookupEvents: they cost nothing but time.
    messages: int = 0  # Published to the topic.
    objects: int = 0  # Read from the trail's bucket.
    log_bytes: int = 0  # By the program; rounded up to the next 100.


COUNTED = {
    # With nothing new, in two regions.
    "sweep": Use(writes=5, reads=8, lookups=6, log_bytes=1700),
    # With nothing due.
    "deliver": Use(reads=2, log_bytes=1600),
    # Three failures of a key not seen before, and the alert about them.
    "alert": Use(writes=65, reads=14, lookups=2, messages=1, log_bytes=2000),
    # One more failure of a key and source that are known.
    "failure": Use(writes=18, reads=7, log_bytes=1800),
    # The same once more, as the sweep and a trail bring it.
    "again": Use(writes=19, reads=9, log_bytes=1600),
    # A trail's log file without a failure.
    "file": Use(writes=1, reads=1, objects=1, log_bytes=1600),
}
# Metrics that are emitted in every hour, each with its dimensions; one more for each cause.
METRICS = 12
FAILURES_AN_ALERT = 3

# The configuration's defaults.
MINUTES = 730 * 60  # In a month.
ALARMS = 14
DASHBOARDS = 1
REGIONS = 2
SWEEP_MINUTES = 5
MEMORY_GB = 0.5
LOG_MONTHS = 12
# Sweeps read the newest 15 minutes again, so each record is read about four times.
READ_AGAIN = (15 + SWEEP_MINUTES) / SWEEP_MINUTES
# Queries for key changes, before the records themselves.
CHEAP_QUESTIONS = 4

# What AWS does: page size and rate of LookupEvents; what CloudWatch Logs counts for each line; the
# lines START, END and REPORT of each invocation; five connections to the queue, each of which waits
# up to 20 seconds.
PAGE = 50
SECONDS_A_REQUEST = 0.5
LOG_EVENT = 26
LAMBDA_LINES = 350
POLLS = 5 * 3 * MINUTES

# Assumptions: these cannot be counted here.
SECONDS = {"deliver": 0.1, "failure": 0.05, "file": 0.15}  # Mostly waiting for AWS to answer.
FAILURES_A_BATCH = 5
FILES_A_BATCH = 10
SUBSCRIBERS = 2  # E-mail addresses.
CAUSES = 3  # Different ones, in every hour.
KEY_USERS = 4  # Services that keep a data key for 5 minutes each.


@dataclass
class Account:
    """A kind of account, by what is assumed to happen in it in a month."""

    name: str
    records_a_second: float  # Management records in the busiest region, for the sweep.
    failures: float  # Counted failures, recorded, reported and predicted.
    alerts: float
    trail_files: float = 0  # New log files of a trail.

    def times(self) -> dict[str, float]:
        """How often each of the counted things happens."""
        return {
            "sweep": MINUTES / SWEEP_MINUTES,
            "deliver": MINUTES,
            "alert": self.alerts,
            "failure": max(0, self.failures - FAILURES_AN_ALERT * self.alerts),
            "again": self.failures * READ_AGAIN,
            "file": self.trail_files,
        }

    def quantities(self) -> dict[str, dict[str, float]]:
        """What is used, by line of the table and price."""
        times = self.times()

        def used(what: str) -> float:
            return sum(times[name] * getattr(use, what) for name, use in COUNTED.items())

        pages = max(1, self.records_a_second * SWEEP_MINUTES * 60 * READ_AGAIN / PAGE)
        sweep_seconds = min(225.0, (CHEAP_QUESTIONS + pages) * SECONDS_A_REQUEST)
        # What the sweep finds again is found within it, and needs no invocation of its own.
        invocations = {
            "sweep": times["sweep"],
            "deliver": times["deliver"],
            "failure": self.failures / FAILURES_A_BATCH,
            "file": self.trail_files / FILES_A_BATCH,
        }
        seconds = (
            times["sweep"] * sweep_seconds + times["deliver"] * SECONDS["deliver"]
            + self.failures * SECONDS["failure"] + self.trail_files * SECONDS["file"]
        )
        logs = sum(n * (COUNTED[name].log_bytes + LAMBDA_LINES) for name, n in invocations.items()) / 1e9
        messages = used("messages")
        return {
            "Lambda": {
                "lambda_gb_second": seconds * MEMORY_GB, "lambda_request": sum(invocations.values()),
            },
            # Sent, received and deleted, each by itself.
            "SQS": {"sqs_request": POLLS + (self.failures + self.trail_files) * 3},
            "DynamoDB": {"dynamodb_write": used("writes"), "dynamodb_read": used("reads")},
            "S3, SNS, EventBridge": {
                "s3_get": used("objects"), "sns_request": messages, "email": messages * SUBSCRIBERS,
                "schedule": times["sweep"] + times["deliver"],
                "forwarded_event": self.failures,  # As if all came from another region.
            },
            "Logs": {"log_gb": logs, "log_gb_kept": logs * LOG_MONTHS},
            "Metrics": {"metric": METRICS + CAUSES},
            "Alarms": {"alarm": ALARMS},
            "Dashboard": {"dashboard": DASHBOARDS},
            "KMS key": {"kms_key": 1, "kms_request": KEY_USERS * MINUTES / 5 + self.failures},
        }

    def costs(self) -> dict[str, float]:
        found = {
            line: sum(amount * PRICE[unit] for unit, amount in used.items())
            for line, used in self.quantities().items()
        }
        return {**found, "**Sum**": sum(found.values())}


ACCOUNTS = [
    Account("quiet account", records_a_second=0.05, failures=100, alerts=10),
    Account("busy account", records_a_second=5, failures=10_000, alerts=200),
    Account("organisation", records_a_second=5, failures=100_000, alerts=1_000, trail_files=2_000_000),
]


def table() -> list[str]:
    """The table of infra/README.md."""
    costs = [account.costs() for account in ACCOUNTS]
    rows = ["| USD a month | " + " | ".join(account.name for account in ACCOUNTS) + " |",
            "| --- |" + " ---: |" * len(ACCOUNTS)]
    for line in costs[0]:
        rows.append(f"| {line} | " + " | ".join(f"{cost[line]:.2f}" for cost in costs) + " |")
    return rows


if __name__ == "__main__":
    print("\n".join(table()))
