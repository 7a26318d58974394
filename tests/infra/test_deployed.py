"""Everything switched on, deployed for real, used, and removed again: one account, one story.

The functions are the real program: started as Lambda starts it, with the environment that
Terraform set, and fed by the rules, queues, schedules and subscriptions that Terraform made.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any, Iterator

import pytest

from rigs.clock import Clock
from rigs.lookup_events import LookupEvents
from rigs.permissions import AllowedOnly
from rigs.proxy import Proxy, published
from rigs.records import KEY, Records, log_file
from rigs.runtime_api import KEYS
from rigs.webhook import Webhook

from . import roles
from .conftest import FilledMoto
from .stack import Stack, deploy, leftovers, real_package
from .terraform import Terraform

REGION = "eu-central-1"
REGIONS = [REGION, "us-east-1"]
# As in examples/regions.tf, which is deployed with it.
MORE_REGION = "eu-west-1"
NAME = "full"
ACCOUNT = "111122223333"


class Deployed:
    """The deployment and all around it."""

    def __init__(self, aws: FilledMoto, work: Path):
        self.aws = aws
        self.clock = Clock(work)
        self.records = Records(self.clock)
        self.lookup = LookupEvents(self.clock, aws.account_of)
        self.proxy = Proxy(aws.url, cloudtrail=self.lookup.url)
        self.webhook = Webhook()
        self.package = real_package(work / "bootstrap.zip")

        aws.client("s3", REGION).create_bucket(
            Bucket="example-trail", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        aws.client("logs", REGION).create_log_group(logGroupName="/ci/terraform")
        aws.client("ssm", REGION).put_parameter(
            Name="/full/slack-webhook", Type="SecureString",
            Value=self.webhook.url + self.webhook.path,
        )
        self.before = leftovers(aws, [*REGIONS, MORE_REGION])
        self.terraform: Terraform = deploy(
            aws, work / "infra", REGION,
            {
                "name": NAME,
                "athena": {"results_bucket": "example-results"},
                "alert_emails": ["one@example.com", "two@example.com"],
                "digest_schedule": "daily",
                "function": {"tracing": True},
                "ignore": [{"source": "198.51.100.0/24", "reason": "Scanner of the security team"}],
                "lambda_zip_path": str(self.package),
                "log_groups": ["/ci/terraform"],
                "member_role": "failure-monitor-reader",
                "slack": {"webhook_parameter": "/full/slack-webhook"},
                "trail": {"bucket": "example-trail", "announced_by": "notification"},
            },
        )
        self.outputs = self.terraform.outputs()
        self.stack = Stack(aws, self.proxy, NAME, REGION, self.package, work / "program")
        sqs = aws.client("sqs", REGION)
        self.inbox_url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
        aws.client("sns", REGION).subscribe(
            TopicArn=self.outputs["alerts_topic_arn"], Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox",
        )

    def alerts(self) -> list[dict[str, Any]]:
        """What came to the subscribed queue since the last look."""
        found = []
        sqs = self.aws.client("sqs", REGION)
        while got := sqs.receive_message(QueueUrl=self.inbox_url, MaxNumberOfMessages=10).get("Messages"):
            for message in got:
                found.append(json.loads(json.loads(message["Body"])["Message"]))
                sqs.delete_message(QueueUrl=self.inbox_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def stop(self) -> None:
        self.stack.stop()
        self.proxy.stop()
        self.lookup.stop()
        self.webhook.stop()


@pytest.fixture(scope="module")
def deployed(aws: FilledMoto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    made = Deployed(aws, tmp_path_factory.mktemp("deployed"))
    yield made
    made.stop()


def payload_of(command: str) -> Any:
    """What a command in an output sends."""
    words = shlex.split(command)
    assert words[:3] == ["aws", "lambda", "invoke"] and words[-1] == "/dev/stdout"
    return json.loads(words[words.index("--payload") + 1])


# The tests run in this order: each leaves the deployment to the next, the last removes it.


def test_a_second_plan_is_empty(deployed: Deployed) -> None:
    assert deployed.terraform.plan() == {}


def test_the_state_holds_no_secret(deployed: Deployed) -> None:
    deployed.terraform.run("plan", "-refresh=false", "-out=plan")
    for text in (
        json.dumps(deployed.terraform.state()), deployed.terraform.run("output", "-json").out,
        deployed.terraform.run("show", "-json", "plan").out,
    ):
        assert "/full/slack-webhook" in text or "test_alert_command" in text
        assert deployed.webhook.path not in text and "secret-access-key" not in text


def test_a_test_alert_goes_the_whole_way(deployed: Deployed) -> None:
    deployed.stack.invoke("monitor", payload_of(deployed.outputs["test_alert_command"])).response
    (alert,) = deployed.alerts()
    assert alert["schema"] == "failure-monitor/alert/1"
    assert "test" in json.dumps(alert).lower()


def test_a_refused_request_becomes_an_alert(deployed: Deployed) -> None:
    """CloudTrail → rule → queue → function → topic, once, though all of it comes again as a file."""
    failures = [
        deployed.records.refused(ago=60 + n, region=region)
        for n, region in enumerate([REGION, MORE_REGION, "us-east-1"])
    ]
    for failure in failures:
        deployed.stack.put_on_bus(failure, failure["awsRegion"])
    deployed.stack.put_on_bus(deployed.records.use(ago=30, region=REGION))  # No failure: no rule.
    runs = deployed.stack.drain()
    assert sum(run.metric("Failures", Name=NAME) or 0 for run in runs) == 3
    assert sum(run.metric("Seen", Name=NAME) or 0 for run in runs) == 3
    (alert,) = deployed.alerts()
    assert alert["schema"] == "failure-monitor/alert/1"
    assert KEY in json.dumps(alert)

    deployed.aws.client("s3", REGION).put_object(
        Bucket="example-trail",
        Key=f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/01/12/{ACCOUNT}_CloudTrail_{REGION}"
        "_20260112T0600Z_d0587b5711acd0aa.json.gz",
        Body=log_file(failures),
    )
    runs = deployed.stack.drain()
    assert sum(run.metric("Duplicates", Name=NAME) or 0 for run in runs) == 3
    assert deployed.alerts() == []


def test_a_key_that_is_turned_off_becomes_a_predicted_alert(deployed: Deployed) -> None:
    """The record arrives in the region of IAM, and is forwarded from there."""
    key = "AKIALEFTBEHINEXAMPLE"
    uses = [
        deployed.records.use(key, ago=3000 + n, user="left", source="192.0.2.23", region=REGION)
        for n in range(4)
    ]
    change = deployed.records.key_change("UpdateAccessKey", key, user="left", status="Inactive", ago=1200)
    deployed.lookup.put(*uses, change)
    deployed.stack.put_on_bus(change, "us-east-1")
    deployed.stack.drain()
    text = json.dumps(deployed.alerts())
    assert "predicted" in text and key in text and "192.0.2.23" in text


def test_a_client_log_is_read(deployed: Deployed) -> None:
    (subscription,) = deployed.aws.client("logs", REGION).describe_subscription_filters(
        logGroupName="/ci/terraform"
    )["subscriptionFilters"]
    assert subscription["destinationArn"].endswith(f":function:{NAME}-monitor")
    line = (
        "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: "
        "The security token included in the request is invalid."
    )
    # CloudWatch Logs lets a line pass that holds one of the terms.
    assert any(term in line for term in re.findall(r'\?"([^"]+)"', subscription["filterPattern"]))
    data = {
        "messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": "/ci/terraform",
        "logStream": "job-1", "subscriptionFilters": [subscription["filterName"]],
        "logEvents": [{"id": "1", "timestamp": int(deployed.clock.now() * 1000), "message": line}],
    }
    packed = base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()
    run = deployed.stack.invoke("monitor", {"awslogs": {"data": packed}})
    assert run.error is None, run.story()
    assert run.metric("Failures", Name=NAME, Origin="reported") == 1


@pytest.mark.parametrize("task", ["sweep", "deliver", "digest"])
def test_each_schedule_starts_a_task_that_the_function_knows(deployed: Deployed, task: str) -> None:
    run = deployed.stack.task(task)
    assert run.error is None and not run.crashed, run.story()
    if task == "sweep":
        assert run.metric("SweepLagSeconds", Name=NAME) is not None
        asked = {request["region"] for request in deployed.lookup.asked}
        assert asked == set(REGIONS)


def test_the_summary_tells_what_was_counted(deployed: Deployed) -> None:
    answer = deployed.stack.invoke(
        "summary", {"task": "summary", "since": "24h", "format": "json"}
    ).response
    assert answer["schema"] == "failure-monitor/summary/1"
    assert KEY in json.dumps(answer)
    program = deployed.outputs["summary_command"]
    assert program == f"failure-monitor summary --function {NAME}-summary --region {REGION}"
    asked = payload_of(deployed.outputs["summary_invoke_command"])
    assert "failure" in json.dumps(deployed.stack.invoke("summary", asked).response).lower()


def test_the_dashboard_shows_the_summary(deployed: Deployed) -> None:
    body = json.loads(
        deployed.aws.client("cloudwatch", REGION).get_dashboard(DashboardName=NAME)["DashboardBody"]
    )
    (widget,) = [w for w in body["widgets"] if w["type"] == "custom"]
    assert widget["properties"]["endpoint"].endswith(f":function:{NAME}-summary")
    described = deployed.stack.invoke("summary", {"describe": True}).response
    assert isinstance(described, str) and described.strip()
    end = int(deployed.clock.now() * 1000)
    html = deployed.stack.invoke("summary", {
        **widget["properties"].get("params", {}),
        "widgetContext": {
            "dashboardName": NAME, "widgetId": "widget-1", "accountId": ACCOUNT, "locale": "en",
            "timezone": {"label": "UTC", "offsetISO": "+00:00", "offsetInMinutes": 0},
            "period": 300, "isAutoPeriod": True,
            "timeRange": {"mode": "relative", "start": end - 86_400_000, "end": end},
            "theme": "light", "linkCharts": True, "title": "", "forms": {"all": {}},
            "params": {}, "width": 588, "height": 369,
        },
    }).response
    assert "<" in html and "<script" not in html


def sns_event(topic: str, subject: str, message: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html"""
    return {"Records": [{
        "EventVersion": "1.0", "EventSource": "aws:sns",
        "EventSubscriptionArn": f"{topic}:21be56ed-a058-49f5-8c98-aedd2564c486",
        "Sns": {
            "Type": "Notification", "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
            "TopicArn": topic, "Subject": subject, "Message": message,
            "Timestamp": "2026-01-12T10:00:00.000Z", "MessageAttributes": {},
        },
    }]}


def test_alerts_and_alarms_come_to_slack(deployed: Deployed) -> None:
    topic = deployed.outputs["alerts_topic_arn"]
    (subscription,) = [
        s for s in deployed.aws.client("sns", REGION).list_subscriptions()["Subscriptions"]
        if s["Protocol"] == "lambda"
    ]
    assert subscription["TopicArn"] == topic
    assert subscription["Endpoint"].endswith(f":function:{NAME}-slack")
    alert = published(deployed.proxy)[-1]
    run = deployed.stack.invoke("slack", sns_event(topic, alert.subject, alert.parts["lambda"]))
    assert run.error is None, run.story()
    assert len(deployed.webhook.got) == 1 and deployed.webhook.got[0]["blocks"]
    # As CloudWatch writes it, with the words of this configuration.
    (alarm,) = deployed.aws.client("cloudwatch", REGION).describe_alarms(
        AlarmNames=[f"{NAME}-no-data"]
    )["MetricAlarms"]
    text = json.dumps({
        "AlarmName": alarm["AlarmName"], "AlarmDescription": alarm["AlarmDescription"],
        "AWSAccountId": ACCOUNT, "NewStateValue": "ALARM", "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed", "StateChangeTime": "2026-01-12T10:00:00.000+0000",
        "Region": "EU (Frankfurt)", "AlarmArn": alarm["AlarmArn"], "Trigger": {},
    })
    run = deployed.stack.invoke("slack", sns_event(topic, f'ALARM: "{alarm["AlarmName"]}"', text))
    assert run.error is None, run.story()
    assert "has not seen a single record for 6 hours" in json.dumps(deployed.webhook.got[1])
    assert deployed.webhook.path not in deployed.stack.function("slack").output


def test_functions_call_what_they_may(deployed: Deployed, allowed_only: AllowedOnly) -> None:
    """That they may do nothing else is checked over all tests (tests/conftest.py)."""
    called = {call.access_key_id for call in deployed.proxy.calls}
    assert called == set(KEYS.values())
    allowed_only(deployed.proxy.calls, roles.deployed(deployed.aws, NAME))


def test_the_readme_tells_what_each_role_may(deployed: Deployed) -> None:
    assert roles.told() == {
        role: roles.of(deployed.aws, f"{NAME}-{role}").actions
        for role in (*roles.HANDLERS, "schedule", "forward")
    }


def test_removal_leaves_nothing(deployed: Deployed) -> None:
    aws = deployed.aws
    for subscription in aws.client("sns", REGION).list_subscriptions()["Subscriptions"]:
        if subscription["Endpoint"].endswith(":inbox"):
            aws.client("sns", REGION).unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    aws.client("sqs", REGION).delete_queue(QueueUrl=deployed.inbox_url)
    deployed.terraform.destroy()
    assert leftovers(aws, [*REGIONS, MORE_REGION]) == deployed.before
