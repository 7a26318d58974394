"""The rigs' moto with what a Terraform deployment needs beside: each gap with the reason.

Prints its port, and ends with its standard input, as the one it is made of.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Iterable

from rigs import moto_server

import moto.athena.responses as athena
import moto.awslambda.models as functions
import moto.sqs.models as queues

Queue = queues.Queue


def queue_attributes() -> None:
    """What the provider sets must come back as it was set, or it waits for ever or plans changes."""
    # It waits until the attribute comes back, and moto does not know this one.
    Queue.BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]
    Queue.redrive_allow_policy = None
    attributes = Queue.attributes.fget

    def as_set(self: Any) -> dict[str, Any]:
        answer = attributes(self)
        if self.redrive_policy:
            # moto writes blanks into it, which the provider takes for a change.
            answer["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
        if not answer["RedriveAllowPolicy"]:
            del answer["RedriveAllowPolicy"]
        return answer

    Queue.attributes = property(as_set)


def queue_policy() -> None:
    """Setting any attribute takes the policy away, unless it is set with it."""
    set_attributes = Queue._set_attributes

    def keeping_policy(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        policy = getattr(self, "policy", None)
        set_attributes(self, attributes, now)
        if "Policy" not in attributes:
            self.policy = policy

    Queue._set_attributes = keeping_policy


def no_function_runs() -> None:
    """moto runs functions in Docker. Here they only exist; a test runs the program, as Lambda would.

    So a queue keeps its messages until the test takes them, and a topic passes over functions.
    """
    add_message = Queue.add_message

    def only_add(self: Any, message: Any) -> None:
        mappings, self.lambda_event_source_mappings = self.lambda_event_source_mappings, {}
        try:
            add_message(self, message)
        finally:
            self.lambda_event_source_mappings = mappings

    Queue.add_message = only_add
    functions.LambdaBackend.send_sns_message = lambda *_, **__: None


def named_queries() -> None:
    """moto can make them but not take them away."""

    def delete_named_query(self: Any) -> str:
        self.athena_backend.named_queries.pop(self._get_param("NamedQueryId"), None)
        return "{}"

    athena.AthenaResponse.delete_named_query = delete_named_query


Start = Callable[[str, list[tuple[str, str]]], Any]


class Chatbot:
    """Amazon Q Developer in chat applications, which moto lacks: keeps channels as they are made."""

    def __init__(self, others: Any):
        self.others = others
        self.channels: dict[str, dict[str, Any]] = {}

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if "/chatbot/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return self.others(environ, start)
        asked = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
        status, answer = self.answer(environ["PATH_INFO"].strip("/"), asked)
        body = json.dumps(answer).encode()
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def answer(self, operation: str, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        arn = asked.get("ChatConfigurationArn")
        match operation:
            case "create-slack-channel-configuration":
                name = asked["ConfigurationName"]
                arn = f"arn:aws:chatbot::{moto_server.ACCOUNT}:chat-configuration/slack-channel/{name}"
                self.channels[arn] = {"ChatConfigurationArn": arn, "State": "ENABLED", **asked}
                return "201 Created", {"ChannelConfiguration": self.channels[arn]}
            case "describe-slack-channel-configurations":
                found = [c for a, c in self.channels.items() if arn in (None, a)]
                return "200 OK", {"SlackChannelConfigurations": found}
            case "update-slack-channel-configuration":
                self.channels[arn].update(asked)
                return "200 OK", {"ChannelConfiguration": self.channels[arn]}
            case "delete-slack-channel-configuration":
                self.channels.pop(arn, None)
                return "204 No Content", {}
            case "list-tags-for-resource":
                return "200 OK", {"Tags": self.channels.get(asked["ResourceARN"], {}).get("Tags", [])}
        return "200 OK", {}


def main() -> None:
    queue_attributes()
    queue_policy()
    no_function_runs()
    named_queries()
    application = moto_server.DomainDispatcherApplication
    moto_server.DomainDispatcherApplication = lambda create: Chatbot(application(create))
    moto_server.main()


if __name__ == "__main__":
    main()
