"""moto with its patches, and the proxy in front of it, through the AWS SDK."""

from __future__ import annotations

import threading
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from .aws import Moto
from .lookup_events import LookupEvents
from .proxy import Proxy, conflict, error, published, reset, throttled, unavailable, writes


def client(proxy: Proxy, service: str, region: str = "us-east-1", attempts: int = 1) -> Any:
    return boto3.session.Session().client(
        service, region_name=region, endpoint_url=proxy.url, aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": attempts}, s3={"addressing_style": "path"}),
    )


def put(number: int, **more: Any) -> dict[str, Any]:
    item = {"pk": {"S": "p"}, "sk": {"S": str(number)}, "n": {"N": str(number)}}
    return {"Put": {"TableName": "t", "Item": item, **more}}


def add(key: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "t", "Key": {"pk": {"S": "p"}, "sk": {"S": key}},
            "UpdateExpression": "ADD #n :one",
            "ExpressionAttributeNames": {"#n": "n"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


NEW = {"ConditionExpression": "attribute_not_exists(pk)"}


def items(moto: Moto) -> dict[str, str]:
    found = moto.client("dynamodb").scan(TableName="t")["Items"]
    return {item["sk"]["S"]: item["n"]["N"] for item in found}


def test_a_cancelled_transaction_leaves_everything_as_it_was(moto: Moto) -> None:
    moto.table("t")
    dynamodb = moto.client("dynamodb")
    dynamodb.transact_write_items(TransactItems=[put(1, **NEW), add("total")])
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(
            TransactItems=[put(2, **NEW), add("total"), add("fresh"), put(1, **NEW)]
        )
    reasons = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert reasons == ["None", "None", "None", "ConditionalCheckFailed"]
    assert items(moto) == {"1": "1", "total": "1"}


def test_concurrent_transactions_lose_nothing(moto: Moto) -> None:
    moto.table("t")
    dynamodb = moto.client("dynamodb")

    def work(start: int) -> None:
        for number in range(start, start + 20):
            dynamodb.transact_write_items(TransactItems=[put(number, **NEW), add("total")])
            with pytest.raises(ClientError):
                dynamodb.transact_write_items(TransactItems=[add("total"), put(number, **NEW)])

    threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert items(moto)["total"] == "60"
    assert len(items(moto)) == 61


def test_a_transaction_costs_the_same_in_a_large_table(moto: Moto) -> None:
    moto.table("t")
    dynamodb = moto.client("dynamodb")

    def quickest() -> float:
        """Of several, because the machine may be busy with something else."""
        times = []
        for _ in range(8):
            begun = time.monotonic()
            dynamodb.transact_write_items(TransactItems=[put(9999), add("total")])
            times.append(time.monotonic() - begun)
        return min(times)

    small = quickest()
    for start in range(0, 5000, 100):
        dynamodb.transact_write_items(
            TransactItems=[put(number) for number in range(start, start + 100)]
        )
    # Unpatched, it takes some 50 times as long.
    assert quickest() < 10 * small


def test_reset_forgets(moto: Moto) -> None:
    moto.table("t")
    moto.reset()
    assert moto.client("dynamodb").list_tables()["TableNames"] == []


def test_one_account_and_keys_that_belong_to_it(moto: Moto) -> None:
    key = moto.user("deploy-ci")
    # The account is in the ID: base32, six bytes, without the first and the last seven bits.
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    number = 0
    for letter in key[4:]:
        number = number * 32 + digits.index(letter)
    assert f"{(number >> 32 & 0x7FFFFFFFFF80) >> 7:012}" == "111122223333"
    assert moto.client("sts").get_caller_identity()["Account"] == "111122223333"
    role = moto.client("sts").assume_role(
        RoleArn="arn:aws:iam::444455556666:role/reader", RoleSessionName="rigs"
    )
    assert moto.account_of(role["Credentials"]["AccessKeyId"]) == "444455556666"


def test_calls_are_recorded_whatever_their_protocol(
    moto: Moto, lookup: LookupEvents, proxy: Proxy
) -> None:
    moto.table("t")
    moto.bucket("logs")
    moto.client("s3").put_object(Bucket="logs", Key="a/b.json.gz", Body=b"text")
    client(proxy, "dynamodb").transact_write_items(TransactItems=[put(1), add("total")])
    assert client(proxy, "s3").get_object(Bucket="logs", Key="a/b.json.gz")["Body"].read() == b"text"
    client(proxy, "s3").head_object(Bucket="logs", Key="a/b.json.gz")
    client(proxy, "s3").list_objects_v2(Bucket="logs")
    client(proxy, "iam").list_users()
    client(proxy, "cloudtrail", "eu-west-1").lookup_events()
    assert [(call.name, call.region, call.status) for call in proxy.calls] == [
        ("dynamodb:TransactWriteItems", "us-east-1", 200),
        ("s3:GetObject", "us-east-1", 200),
        ("s3:HeadObject", "us-east-1", 200),
        ("s3:ListObjectsV2", "us-east-1", 200),
        ("iam:ListUsers", "us-east-1", 200),
        ("cloudtrail:LookupEvents", "eu-west-1", 200),
    ]
    assert writes(proxy.calls) == (2, 1)
    assert lookup.asked[0]["region"] == "eu-west-1"


def test_messages_reach_the_inbox_and_are_read_in_every_form(moto: Moto, proxy: Proxy) -> None:
    topic = moto.topic("alerts")
    inbox = moto.inbox(topic)
    proxy.fault("sns:Publish", unavailable, times=1)
    parts = '{"default":"text","email":"long text & more","sqs":"{\\"alert_id\\":\\"a\\"}"}'
    attributes = {"kind": {"DataType": "String", "StringValue": "alert"}}
    publish = {
        "TopicArn": topic, "Message": parts, "MessageStructure": "json", "Subject": "s",
        "MessageAttributes": attributes,
    }
    with pytest.raises(ClientError):
        client(proxy, "sns").publish(**publish)
    client(proxy, "sns").publish(**publish)
    [message] = published(proxy)
    assert (message.subject, message.email, message.json) == (
        "s", "long text & more", {"alert_id": "a"}
    )
    assert message.attributes == {"kind": "alert"}
    [received] = inbox.take()
    assert received.json == {"alert_id": "a"}
    assert inbox.take() == [] and len(inbox.all()) == 1


def test_faults_speak_the_protocol_and_end_as_told(moto: Moto, proxy: Proxy) -> None:
    moto.table("t")
    dynamodb = client(proxy, "dynamodb")

    def code(call: Any, **arguments: Any) -> str:
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        return str(caught.value.response["Error"]["Code"])

    scan = {"TableName": "t"}
    rule = proxy.fault("dynamodb:Scan", throttled, skip=1, times=2)
    dynamodb.scan(**scan)
    assert code(dynamodb.scan, **scan) == "ThrottlingException"
    assert code(dynamodb.scan, **scan) == "ThrottlingException"
    dynamodb.scan(**scan)
    assert (rule.seen, rule.hit) == (4, 2)
    proxy.fault("dynamodb:*", conflict, times=1)
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=[put(1), put(2)])
    reasons = [one["Code"] for one in caught.value.response["CancellationReasons"]]
    assert reasons == ["None", "TransactionConflict"]
    assert moto.client("dynamodb").scan(**scan)["Count"] == 0
    proxy.fault("iam:ListUsers", throttled, times=1)
    assert code(client(proxy, "iam").list_users) == "Throttling"
    proxy.fault("s3:GetObject", error("AccessDenied", 403), times=1)
    assert code(client(proxy, "s3").get_object, Bucket="b", Key="k/l") == "AccessDenied"
    proxy.fault("dynamodb:Scan", reset, times=1)
    with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
        dynamodb.scan(**scan)
    proxy.fault("dynamodb:Scan", delay=0.3, times=1)
    begun = time.monotonic()
    dynamodb.scan(**scan)
    assert time.monotonic() - begun >= 0.3
    # The SDK itself rides over a fault that ends.
    proxy.fault("dynamodb:Scan", unavailable, times=1)
    client(proxy, "dynamodb", attempts=3).scan(**scan)


@pytest.mark.parametrize("after", [False, True])
def test_a_held_call_waits_before_or_after_the_service(
    moto: Moto, proxy: Proxy, after: bool
) -> None:
    topic = moto.topic("alerts")
    inbox = moto.inbox(topic)
    gate = proxy.hold("sns:Publish", after=after)
    publisher = client(proxy, "sns")
    thread = threading.Thread(target=publisher.publish, kwargs={"TopicArn": topic, "Message": "m"})
    thread.start()
    gate.wait()
    assert len(inbox.take()) == (1 if after else 0)
    gate.open()
    thread.join(10)
    assert len(inbox.all()) == 1
    publisher.publish(TopicArn=topic, Message="m")
    assert len(inbox.all()) == 2
    gate = proxy.hold("sns:Publish")
    broken = threading.Thread(target=refused, args=(publisher, topic))
    broken.start()
    gate.wait()
    gate.drop()
    broken.join(10)
    assert len(inbox.all()) == 2


def refused(publisher: Any, topic: str) -> None:
    with pytest.raises(ConnectionClosedError):
        publisher.publish(TopicArn=topic, Message="m")
