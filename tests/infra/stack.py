"""A deployment in place of one on AWS, and Lambda's part in it: what takes messages to functions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from rigs.proxy import Proxy
from rigs.runtime_api import Function, Invocation

from .conftest import FilledMoto
from .terraform import ROOT, Terraform, copy_of_infra


def deploy(aws: FilledMoto, folder: Path, region: str, variables: dict[str, Any]) -> Terraform:
    """Applies a copy of the configuration with these variables, and with one more region."""
    terraform = Terraform(copy_of_infra(folder), aws.url, region)
    shutil.copy(folder / "examples" / "regions.tf", folder / "regions.tf")
    (terraform.folder / "test.auto.tfvars.json").write_text(json.dumps(variables))
    terraform.init()
    terraform.apply()
    return terraform


def stand_in(path: Path) -> Path:
    """A package that can be deployed but does nothing."""
    with zipfile.ZipFile(path, "w") as package:
        entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o100755 << 16
        package.writestr(entry, "#!/bin/sh\nexit 1\n")
    return path


def real_package(to: Path) -> Path:
    """A package with the real program: the one that tests/run built, or as `infra/package` builds it."""
    built = os.environ.get("FAILURE_MONITOR_BOOTSTRAP")
    if not built:
        environment = {k: v for k, v in os.environ.items() if k != "ARCHITECTURE"}
        subprocess.run(
            [ROOT / "infra" / "package"], env={**environment, "OUT": str(to)}, check=True
        )
        return to
    program = to.with_suffix("")
    shutil.copy(built, program)
    if strip := shutil.which("strip"):
        subprocess.run([strip, program], check=True)  # Lambda takes 50 MB; this is a debug build.
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        package.write(program, "bootstrap")
    return to


def leftovers(aws: FilledMoto, regions: list[str]) -> dict[str, list[str]]:
    """Everything that exists, by kind and region. A KMS key that waits for its deletion is gone."""
    listings = {
        "alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "database": ("glue", "get_databases", "DatabaseList", "Name"),
        "alias": ("kms", "list_aliases", "Aliases", "AliasName"),
        "channel": ("chatbot", "describe_slack_channel_configurations", "SlackChannelConfigurations",
                    "ChatConfigurationArn"),
        "dashboard": ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "function": ("lambda", "list_functions", "Functions", "FunctionName"),
        "log group": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "mapping": ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
        "role": ("iam", "list_roles", "Roles", "RoleName"),
        "rule": ("events", "list_rules", "Rules", "Name"),
        "schedule": ("scheduler", "list_schedules", "Schedules", "Name"),
        "subscription": ("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
        "topic": ("sns", "list_topics", "Topics", "TopicArn"),
        "workgroup": ("athena", "list_work_groups", "WorkGroups", "Name"),
    }
    found: dict[str, list[str]] = {}
    for region in regions:
        for kind, (service, operation, members, name) in listings.items():
            answer = getattr(aws.client(service, region), operation)()
            found[f"{region} {kind}"] = [
                item[name] for item in answer.get(members, [])
                if not str(item[name]).startswith("alias/aws/") and item[name] != "primary"
            ]
        found[f"{region} queue"] = aws.client("sqs", region).list_queues().get("QueueUrls", [])
        found[f"{region} table"] = aws.client("dynamodb", region).list_tables()["TableNames"]
        kms = aws.client("kms", region)
        # AWS makes keys of its own as services need them.
        managed = {
            alias.get("TargetKeyId") for alias in kms.list_aliases()["Aliases"]
            if alias["AliasName"].startswith("alias/aws/")
        }
        found[f"{region} key"] = [
            key["KeyId"] for key in kms.list_keys()["Keys"]
            if key["KeyId"] not in managed
            and kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] != "PendingDeletion"
        ]
    return {kind: names for kind, names in found.items() if names}


class Stack:
    """A deployment whose functions run: each as the process and environment that Terraform set."""

    def __init__(self, aws: FilledMoto, proxy: Proxy, name: str, region: str, package: Path, work: Path):
        self.aws, self.proxy, self.name, self.region = aws, proxy, name, region
        with zipfile.ZipFile(package) as opened:
            opened.extractall(work)
        self.bootstrap = work / "bootstrap"
        self.bootstrap.chmod(0o755)
        self.functions: dict[str, Function] = {}

    def function(self, handler: str) -> Function:
        if handler not in self.functions:
            deployed = self.aws.client("lambda", self.region).get_function_configuration(
                FunctionName=f"{self.name}-{handler}"
            )
            self.functions[handler] = Function(
                self.bootstrap, deployed["Handler"],
                {
                    **deployed["Environment"]["Variables"],
                    "AWS_ENDPOINT_URL": self.proxy.url,
                },
                name=deployed["FunctionName"], region=self.region, memory=deployed["MemorySize"],
            )
        return self.functions[handler]

    def invoke(self, handler: str, payload: Any) -> Invocation:
        return self.function(handler).invoke(payload, timeout=60)

    def task(self, schedule: str) -> Invocation:
        """Starts what a schedule starts, with the input that it has."""
        found = self.aws.client("scheduler", self.region).get_schedule(
            GroupName=self.name, Name=schedule
        )
        assert found["Target"]["Arn"].endswith(f":function:{self.name}-monitor")
        return self.invoke("monitor", json.loads(found["Target"]["Input"]))

    def drain(self) -> list[Invocation]:
        """Does what Lambda does for the queue's mapping, until nothing is left to take."""
        (mapping,) = self.aws.client("lambda", self.region).list_event_source_mappings()[
            "EventSourceMappings"
        ]
        assert mapping["FunctionArn"].endswith(f":function:{self.name}-monitor")
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        sqs = self.aws.client("sqs", self.region)
        url = sqs.get_queue_url(QueueName=mapping["EventSourceArn"].split(":")[-1])["QueueUrl"]
        ran = []
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        ).get("Messages"):
            batch = [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": {"ApproximateReceiveCount": "1"},
                    "messageAttributes": {},
                    "eventSource": "aws:sqs",
                    "eventSourceARN": mapping["EventSourceArn"],
                    "awsRegion": self.region,
                }
                for message in messages
            ]
            run = self.invoke("monitor", {"Records": batch})
            assert run.response["batchItemFailures"] == [], run.story()
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            ran.append(run)
        return ran

    def put_on_bus(self, record: dict[str, Any], region: str | None = None) -> None:
        """A record as CloudTrail hands it to EventBridge, in the region where it was made."""
        answer = self.aws.client("events", region or self.region).put_events(
            Entries=[{
                "Source": f"aws.{record['eventSource'].split('.')[0]}",
                "DetailType": "AWS API Call via CloudTrail",
                "Detail": json.dumps(record),
            }]
        )
        assert answer["FailedEntryCount"] == 0

    def stop(self) -> None:
        for function in self.functions.values():
            function.stop()
