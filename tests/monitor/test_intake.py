"""Each kind of payload, and each form of a message in the queue."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest

from rigs.proxy import error
from rigs.records import KEY, compact, log_file
from rigs.serve import Answer

from .deployment import Deployment
from .payloads import (
    S3_TEST, cloudtrail_message, envelope, failed, s3_event, s3_notification, sns, sqs,
    subscription, trail_key,
)

TERRAFORM = """\
Initializing the backend...
╷
│ Error: configuring Terraform AWS Provider: validating provider credentials: retrieving caller identity from STS: operation error STS: GetCallerIdentity, https response error StatusCode: 403, RequestID: 7d1f5a3c-0c0b-4a8a-9f0b-1f2e3d4c5b6a, api error InvalidClientTokenId: The security token included in the request is invalid.
│
│   with provider["registry.terraform.io/hashicorp/aws"],
│   on main.tf line 1, in provider "aws":
╵
"""
CLI = (
    "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: "
    "The security token included in the request is invalid."
)


def test_eventbridge_counts_failures_and_nothing_else(deployed: Deployment) -> None:
    records = deployed.records
    invocation = deployed.events(
        records.refused(), records.use(ago=5),
        records.use(ago=6, errorCode="AccessDenied", errorMessage="no"),
    )
    assert invocation.metric("Seen", Name="fm") == 3
    assert invocation.metric("Failures", Name="fm") == 1
    assert invocation.metric("Failures", Name="fm", Origin="recorded") == 1
    assert deployed.counted("recorded") == deployed.counted() == 1
    [group] = deployed.summary()["groups"]
    assert (group["access_key_id"], group["source"]) == (KEY, "203.0.113.10")


def test_one_bad_body_fails_alone(deployed: Deployment) -> None:
    good = [envelope(record) for record in deployed.records.storm(4)]
    bodies: list[Any] = [
        good[0], "{not json", good[1], "", good[2], '{"hello":"world"}', "[1,2]", good[3],
    ]
    invocation = deployed.invoke(sqs(*bodies))
    assert failed(invocation.response) == [1, 3, 5, 6], invocation.story()
    assert deployed.counted() == 4
    assert invocation.metric("Failures", Name="fm") == 4


def test_an_envelope_with_a_record_that_is_none_is_skipped_and_fails(deployed: Deployment) -> None:
    broken = envelope(deployed.records.refused())
    broken["detail"] = {"eventVersion": "1.10"}
    invocation = deployed.invoke(sqs(broken, envelope(deployed.records.refused())))
    assert invocation.error is None, invocation.story()
    assert deployed.counted() == 1
    # Counted as skipped, or returned to the queue and so to its DLQ; never nothing.
    assert failed(invocation.response) == [0] or invocation.metric("Skipped", Name="fm") == 1


@pytest.mark.parametrize(
    "wrap",
    [
        lambda bucket, key: s3_notification(bucket, key),
        s3_event,
        lambda bucket, key: sns(s3_notification(bucket, key)),
        lambda bucket, key: sns(cloudtrail_message(bucket, key)),
        cloudtrail_message,
    ],
    ids=["s3", "eventbridge", "sns-s3", "sns-cloudtrail", "raw-cloudtrail"],
)
def test_trail_files_by_every_notification(deployed: Deployment, wrap: Any) -> None:
    key = trail_key()
    deployed.file(log_file(deployed.records.storm(5) + [deployed.records.use()]), key)
    invocation = deployed.take(wrap("logs", key))
    assert invocation.metric("Seen", Name="fm") == 6
    assert deployed.counted("recorded") == 5


def test_keys_of_objects_are_decoded_once(deployed: Deployment) -> None:
    key = f"AWSLogs/my prefix+100%/{trail_key()}"
    deployed.file(log_file(deployed.records.storm(2)), key)
    deployed.take(s3_notification("logs", key))
    assert deployed.counted() == 2
    other = f"AWSLogs/my prefix+100%/{trail_key(2)}"
    deployed.file(log_file(deployed.records.storm(2)), other)
    deployed.take(s3_event("logs", other))
    assert deployed.counted() == 4


def test_several_files_in_one_message(deployed: Deployment) -> None:
    keys = [trail_key(number) for number in (1, 2, 3)]
    for key in keys:
        deployed.file(log_file(deployed.records.storm(2)), key)
    deployed.take(sns(cloudtrail_message("logs", *keys)))
    assert deployed.counted() == 6


def test_a_file_that_is_not_gzipped(deployed: Deployment) -> None:
    key = trail_key(suffix=".json")
    deployed.file(compact({"Records": deployed.records.storm(3)}), key)
    deployed.take(s3_notification("logs", key))
    assert deployed.counted() == 3


@pytest.mark.parametrize(
    "body",
    [S3_TEST, sns(S3_TEST), sns("CloudTrail validation message.")],
    ids=["s3", "sns-s3", "cloudtrail"],
)
def test_test_messages_of_aws_are_taken_and_ignored(deployed: Deployment, body: Any) -> None:
    invocation = deployed.take(body)
    assert invocation.metric("Failures", Name="fm") == 0
    assert deployed.proxy.count("s3:*") == 0
    assert deployed.proxy.count("sns:*") == 0


@pytest.mark.parametrize(
    "key",
    [trail_key(kind="CloudTrail-Digest"), trail_key(kind="CloudTrail-Insight"), "AWSLogs/readme"],
)
def test_objects_that_are_no_trail_files_are_not_read(deployed: Deployment, key: str) -> None:
    deployed.file(log_file(deployed.records.storm(2)), key)
    deployed.take(s3_notification("logs", key))
    assert deployed.counted() == 0
    if "CloudTrail-" in key:
        assert deployed.proxy.count("s3:GetObject") == 0


def test_a_deleted_object_is_no_reason_to_come_back_for_ever(deployed: Deployment) -> None:
    removed = s3_notification("logs", trail_key(), event="ObjectRemoved:Delete")
    deployed.file(log_file(deployed.records.storm(2)), trail_key(2))
    invocation = deployed.invoke(sqs(removed, s3_notification("logs", trail_key(2))))
    assert 1 not in failed(invocation.response)
    assert deployed.counted() == 2


@pytest.mark.parametrize(
    "code, status", [("AccessDenied", 403), ("NoSuchKey", 404), ("KMS.DisabledException", 400)]
)
def test_what_cannot_be_read_is_named_and_stops_no_other_file(
    deployed: Deployment, code: str, status: int
) -> None:
    """It may return to the queue, and so reach the DLQ, or be counted as skipped; not vanish."""
    good, bad = trail_key(1), trail_key(2)
    for key in (good, bad):
        deployed.file(log_file(deployed.records.storm(3)), key)
    if code == "NoSuchKey":
        deployed.moto.client("s3").delete_object(Bucket="logs", Key=bad)
        invocation = deployed.invoke(sqs(s3_notification("logs", bad), s3_notification("logs", good)))
    else:
        deployed.proxy.fault("s3:GetObject", error(code, status, "no"), times=1)
        invocation = deployed.invoke(sqs(s3_notification("logs", bad), s3_notification("logs", good)))
    assert deployed.counted() == 3, invocation.story()
    returned = failed(invocation.response)
    assert returned in ([], [0])
    assert returned or invocation.metric("Skipped", Name="fm"), invocation.story()
    assert code in invocation.output or "missing" in invocation.output or bad in invocation.output


def test_a_passing_fault_of_s3_is_tried_again(deployed: Deployment) -> None:
    deployed.file(log_file(deployed.records.storm(3)))
    deployed.proxy.fault("s3:GetObject", error("InternalError", 500, "again"), times=1)
    deployed.take(s3_notification("logs", trail_key()))
    assert deployed.counted() == 3


# Reflected polynomials of https://reveng.sourceforge.io/crc-catalogue/all.htm, by S3's names.
CHECKSUMS = {"crc32": (32, 0xEDB88320), "crc32c": (32, 0x82F63B78), "crc64nvme": (64, 0x9A6C9329AC4BC9B5)}


def checksum(name: str, data: bytes) -> str:
    """As S3 writes it."""
    width, polynomial = CHECKSUMS[name]
    ones = (1 << width) - 1
    value = ones
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ polynomial if value & 1 else value >> 1
    return base64.b64encode((value ^ ones).to_bytes(width // 8, "big")).decode()


@pytest.mark.parametrize("name", CHECKSUMS)
def test_an_object_that_was_damaged_on_the_way_is_read_again(deployed: Deployment, name: str) -> None:
    """Its last byte is wrong, which inflating alone would tell too late."""
    data = log_file([deployed.records.refused(ago=60)])
    deployed.file(data)
    said = {f"x-amz-checksum-{name}": checksum(name, data), "x-amz-checksum-type": "FULL_OBJECT"}
    sent = [data[:-1] + bytes([data[-1] ^ 1]), data]
    deployed.proxy.fault("s3:GetObject", lambda _: Answer(200, sent.pop(0), said))
    message = s3_notification("logs", trail_key())
    first = deployed.invoke(sqs(message))
    assert failed(first.response) == [0] and "checksum" in first.output, first.story()
    assert deployed.counted() == 0
    deployed.take(message)
    assert deployed.counted() == 1


def test_a_truncated_file_yields_what_can_be_read(deployed: Deployment) -> None:
    whole = log_file(deployed.records.refused(ago=n % 600, userAgent=f"agent {n}" * 9) for n in range(3000))
    deployed.file(whole[: len(whole) // 2])
    invocation = deployed.invoke(sqs(s3_notification("logs", trail_key())))
    assert invocation.error is None, invocation.story()
    assert 500 < deployed.counted() < 3000
    assert failed(invocation.response) == [0] or invocation.metric("Skipped", Name="fm")


def test_a_bomb_is_stopped_at_the_cap(deployed: Deployment) -> None:
    """A trail file that inflates to more than is allowed costs neither memory nor the others."""
    deployed.set(MAX_INFLATED="4000000")
    record = compact(deployed.records.refused())
    blank = b" " * 1_000_000
    bomb = gzip.compress(b'{"Records":[' + record + b"," + blank * 400 + record + b"]}")
    assert len(bomb) < 1_000_000
    deployed.file(bomb, trail_key(1))
    deployed.file(log_file(deployed.records.storm(3)), trail_key(2))
    bodies = [s3_notification("logs", trail_key(1)), s3_notification("logs", trail_key(2))]
    invocation = deployed.invoke(sqs(*bodies))
    assert 1 not in failed(invocation.response), invocation.story()
    assert 3 <= deployed.counted() <= 4
    assert failed(invocation.response) == [0] or invocation.metric("Skipped", Name="fm")
    assert deployed.monitor.memory() < 200_000_000


def test_lines_of_a_log_group_are_reported_failures(deployed: Deployment) -> None:
    now = deployed.clock.now()
    invocation = deployed.invoke(subscription("terraform plan", TERRAFORM, now=now))
    assert invocation.error is None, invocation.story()
    assert invocation.metric("Failures", Name="fm", Origin="reported") == 1
    assert deployed.counted("reported") == deployed.counted() == 1
    [group] = deployed.summary()["groups"]
    assert "/ci/terraform" in group["source"] and "deploy/1" in group["source"]


def test_the_same_log_events_again_are_duplicates(deployed: Deployment) -> None:
    payload = subscription(CLI, now=deployed.clock.now())
    deployed.invoke(payload)
    again = deployed.invoke(payload)
    assert again.metric("Duplicates", Name="fm") == 1, again.output
    assert deployed.counted() == 1


def test_a_log_group_that_holds_a_trail(deployed: Deployment) -> None:
    """CloudTrail can write into a log group; its records are then recorded failures."""
    record = deployed.records.refused()
    deployed.events(record)
    invocation = deployed.invoke(subscription(compact(record).decode()))
    assert invocation.metric("Duplicates", Name="fm") == 1
    assert deployed.counted("recorded") == deployed.counted() == 1


def test_control_messages_are_answered(deployed: Deployment) -> None:
    control = "CWL CONTROL MESSAGE: Checking health of destination Lambda."
    invocation = deployed.invoke(subscription(control, kind="CONTROL_MESSAGE"))
    assert invocation.error is None
    assert invocation.metric("Failures", Name="fm") == 0


@pytest.mark.parametrize("data", ["", "!!!", "aGVsbG8=", None, 7])
def test_a_broken_subscription_payload_is_an_error_and_no_crash(
    deployed: Deployment, data: Any
) -> None:
    invocation = deployed.invoke({"awslogs": {"data": data}})
    assert invocation.error and not invocation.crashed
    assert "awslogs" in str(invocation.error) or "gzip" in str(invocation.error).lower() or \
        "base64" in str(invocation.error).lower(), invocation.error


def test_explain_diagnoses_and_counts_nothing(deployed: Deployment) -> None:
    answer = str(deployed.task("explain", text=TERRAFORM).response)
    assert "InvalidClientTokenId" in answer
    assert "GetCallerIdentity" in answer
    assert deployed.proxy.count("sns:Publish") == 0
    assert deployed.counted() == 0


def test_a_report_is_counted_and_alerts(deployed: Deployment) -> None:
    deployed.set(THRESHOLD="1")
    deployed.task("report", text=CLI, source="build-agent-7")
    assert deployed.counted("reported") == 1
    [alert] = deployed.alerts()
    assert alert["incidents"][0]["sources"] == ["build-agent-7"]
    assert alert["incidents"][0]["origins"]["reported"] == 1
