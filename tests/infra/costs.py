"""What a deployment costs a month: counted requests times public prices.

`python -m infra.costs` prints the tables of infra/README.md. The quantities of the configuration
(alarms, schedules, memory) are those of its defaults; a test holds them, and the README, equal.
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
    "email": 2.00e-5,
    "kms_key": 1.00,
    "kms_request": 0.03e-4,
    "alarm": 0.10,
    "metric": 0.30,
    "log_gb": 0.50,
    "s3_get": 0.40e-6,
}

MINUTES = 730 * 60  # In a month.
ALARMS = 14
SWEEP_MINUTES = 5
MEMORY_GB = 0.5
# Sweeps read the newest 15 minutes again, so each record is read about four times.
READ_AGAIN = (15 + SWEEP_MINUTES) / SWEEP_MINUTES
# Queries for key changes, before the records themselves.
CHEAP_QUESTIONS = 4
PAGE = 50
# LookupEvents allows two requests a second and region.
SECONDS_A_REQUEST = 0.5
# Lambda asks the queue with five connections, each waiting up to 20 seconds.
POLLS = 5 * 3 * MINUTES


@dataclass
class Account:
    """A kind of account, by what happens in it in a month."""

    name: str
    records_a_second: float  # Management records in the busiest region, for the sweep.
    failures: float  # Counted failures, recorded, reported and predicted.
    alerts: float
    trail_files: float = 0  # New log files of a trail.

    def quantities(self) -> dict[str, dict[str, float]]:
        """What is used, by line of the table and price."""
        sweeps = MINUTES / SWEEP_MINUTES
        pages = max(1, self.records_a_second * SWEEP_MINUTES * 60 * READ_AGAIN / PAGE)
        sweep_seconds = min(225.0, (CHEAP_QUESTIONS + pages) * SECONDS_A_REQUEST)
        batches = self.failures / 5 + self.trail_files / 10
        invocations = sweeps + MINUTES + batches
        busy = sweeps * sweep_seconds + MINUTES * 0.1 + self.failures * 0.05 + self.trail_files * 0.15
        writes = self.failures * 3 * 2 + sweeps * 4 + self.alerts * 4
        return {
            "Lambda": {
                "lambda_gb_second": busy * MEMORY_GB, "lambda_request": invocations,
            },
            "SQS": {"sqs_request": POLLS + (self.failures + self.trail_files) * 3},
            "DynamoDB": {
                "dynamodb_write": writes, "dynamodb_read": MINUTES * 2 + sweeps * 10 + writes,
            },
            "S3, SNS, Scheduler": {
                "s3_get": self.trail_files, "email": self.alerts, "schedule": sweeps + MINUTES,
            },
            "Logs": {"log_gb": invocations * 2e-6},
            "Metrics": {"metric": 15},
            "Alarms": {"alarm": ALARMS},
            "KMS key": {"kms_key": 1, "kms_request": 4 * MINUTES / 5 + self.failures},
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
