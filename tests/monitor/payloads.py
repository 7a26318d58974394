"""What AWS hands to the functions: the shapes of its services, as their documentation shows them."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from typing import Any
from urllib.parse import quote_plus

ACCOUNT = "111122223333"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:failure-monitor-intake"


def sqs(*bodies: Any) -> dict[str, Any]:
    """A batch of messages; a body that is no text becomes JSON."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": f"handle-{number}",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1736850000000",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1736850000001",
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": QUEUE,
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def failed(response: Any) -> list[int]:
    """The numbers of the messages of a batch that return to the queue."""
    return sorted(
        int(one["itemIdentifier"].removeprefix("message-"))
        for one in response["batchItemFailures"]
    )


def envelope(record: dict[str, Any]) -> dict[str, Any]:
    """A record as EventBridge hands it on."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws." + record.get("eventSource", "sts").split(".")[0],
        "account": record.get("recipientAccountId", ACCOUNT),
        "time": record.get("eventTime"),
        "region": record.get("awsRegion"),
        "resources": [],
        "detail": record,
    }


def s3_notification(bucket: str, *keys: str, event: str = "ObjectCreated:Put") -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "us-east-1",
                "eventTime": "2025-01-14T10:00:00.000Z",
                "eventName": event,
                "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
                "requestParameters": {"sourceIPAddress": "192.0.2.1"},
                "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "trail",
                    "bucket": {
                        "name": bucket,
                        "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                        "arn": f"arn:aws:s3:::{bucket}",
                    },
                    "object": {
                        "key": quote_plus(key, safe="/"),
                        "size": 1024,
                        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            }
            for key in keys
        ]
    }


def s3_event(bucket: str, key: str) -> dict[str, Any]:
    """The same through EventBridge."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT,
        "time": "2025-01-14T10:00:00Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {"key": key, "size": 1024, "etag": "d41d8cd98f00b204e9800998ecf8427e"},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "cloudtrail.amazonaws.com",
            "reason": "PutObject",
        },
    }


def sns(message: Any) -> dict[str, Any]:
    """A message of a topic as a subscribed queue gets it."""
    return {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:trail",
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2025-01-14T10:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
    }


def cloudtrail_message(bucket: str, *keys: str) -> dict[str, Any]:
    """What CloudTrail itself tells a topic."""
    return {"s3Bucket": bucket, "s3ObjectKey": list(keys)}


S3_TEST = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2025-01-14T10:00:00.000Z",
    "Bucket": "logs",
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
}


def subscription(
    *messages: str, kind: str = "DATA_MESSAGE", group: str = "/ci/terraform",
    stream: str = "deploy/1", now: float = 0,
) -> dict[str, Any]:
    """Lines of a log group that has a subscription."""
    data = {
        "messageType": kind,
        "owner": ACCOUNT if kind == "DATA_MESSAGE" else "CloudwatchLogs",
        "logGroup": group if kind == "DATA_MESSAGE" else "",
        "logStream": stream if kind == "DATA_MESSAGE" else "",
        "subscriptionFilters": ["failure-monitor"],
        "logEvents": [
            {
                "id": f"{31953106606966983378809025079804211143289615424298221568 + n}",
                "timestamp": int(now * 1000),
                "message": message,
            }
            for n, message in enumerate(messages)
        ],
    }
    packed = gzip.compress(json.dumps(data).encode())
    return {"awslogs": {"data": base64.b64encode(packed).decode()}}


def sns_event(message: str, subject: str = "alert") -> dict[str, Any]:
    """A message of a topic as a subscribed function gets it."""
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts:1",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": str(uuid.uuid4()),
                    "TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts",
                    "Subject": subject,
                    "Message": message,
                    "Timestamp": "2025-01-14T10:00:00.000Z",
                    "SignatureVersion": "1",
                    "Signature": "EXAMPLE",
                    "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/x.pem",
                    "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
                    "MessageAttributes": {},
                },
            }
        ]
    }


def trail_key(number: int = 1, kind: str = "CloudTrail", suffix: str = ".json.gz") -> str:
    """The key of a trail file."""
    name = f"{ACCOUNT}_CloudTrail_us-east-1_20250114T1000Z_{number:016d}{suffix}"
    return f"AWSLogs/{ACCOUNT}/{kind}/us-east-1/2025/01/14/{name}"
