"""The AWS services that moto has, in a process of its own, and what a test needs made in them."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT = "111122223333"
REGION = "us-east-1"


class Moto:
    """A moto server; `reset` makes it forget everything."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rigs.moto_server"],
            cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "moto did not start"
        self.port = int(line)
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reset(self) -> None:
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        urllib.request.urlopen(request).read()

    def stop(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()  # It ends with its input.
        self._process.stdout.close()
        self._process.wait(10)

    def client(self, service: str, region: str = REGION) -> Any:
        if (service, region) not in self._clients:
            self._clients[service, region] = boto3.session.Session().client(
                service, region_name=region, endpoint_url=self.url,
                aws_access_key_id="testing", aws_secret_access_key="testing",
                config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self._clients[service, region]

    def account_of(self, access_key_id: str) -> str:
        """The account that credentials belong to, as STS says."""
        client = boto3.session.Session().client(
            "sts", region_name=REGION, endpoint_url=self.url,
            aws_access_key_id=access_key_id, aws_secret_access_key="testing",
        )
        return str(client.get_caller_identity()["Account"])

    def table(self, name: str) -> str:
        """A table with `pk`, `sk` and the TTL attribute `expires`, on demand."""
        client = self.client("dynamodb")
        client.create_table(
            TableName=name,
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        client.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
        )
        return name

    def topic(self, name: str) -> str:
        """A topic's ARN."""
        return str(self.client("sns").create_topic(Name=name)["TopicArn"])

    def inbox(self, topic_arn: str, name: str = "inbox") -> Inbox:
        """A queue that is subscribed to the topic."""
        client = self.client("sqs")
        url = client.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        self.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
        return Inbox(client, url)

    def bucket(self, name: str) -> str:
        self.client("s3").create_bucket(Bucket=name)
        return name

    def user(self, name: str) -> str:
        """Makes a user with an access key, and returns the key's ID."""
        client = self.client("iam")
        client.create_user(UserName=name)
        return self.key(name)

    def key(self, user: str) -> str:
        """One more access key of a user."""
        made = self.client("iam").create_access_key(UserName=user)
        return str(made["AccessKey"]["AccessKeyId"])


@dataclass
class Received:
    """A message as a subscribed queue gets it."""

    message: str
    subject: str | None
    attributes: dict[str, Any]

    @property
    def json(self) -> Any:
        return json.loads(self.message)


@dataclass
class Inbox:
    """A queue subscribed to a topic, and everything that came to it so far."""

    client: Any
    url: str

    def __post_init__(self) -> None:
        self._all: list[Received] = []

    def take(self) -> list[Received]:
        """What came since the last look, in order of arrival."""
        fresh = []
        while got := self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        ).get("Messages"):
            for message in got:
                body = json.loads(message["Body"])
                fresh.append(
                    Received(
                        body["Message"], body.get("Subject"), body.get("MessageAttributes", {})
                    )
                )
            self.client.delete_message_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got)
                ],
            )
        self._all += fresh
        return fresh

    def all(self) -> list[Received]:
        """Everything that ever came."""
        self.take()
        return list(self._all)
