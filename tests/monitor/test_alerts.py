"""When a message goes out, and what it says."""

from __future__ import annotations

import json

from rigs.records import KEY, TERRAFORM

from .deployment import Deployment, incident

MASKED_OUT = "AKIADEPLOYCI1EXAMPLE"
HOUR = 3600


def test_the_threshold(deployed: Deployment) -> None:
    failures = deployed.records.storm(3)
    deployed.events(*failures[:2])
    assert deployed.alerts() == []
    invocation = deployed.events(failures[2])
    [alert] = deployed.alerts()
    assert incident(alert)["due"] == "new"
    assert invocation.metric("AlertsSent", Name="fm") == 1
    assert invocation.metric("AlertsPending", Name="fm") == 0


def test_failures_far_apart_do_not_reach_it(deployed: Deployment) -> None:
    deployed.events(*(deployed.records.refused(ago=n * 1000) for n in range(6)))
    assert deployed.alerts() == []
    deployed.deliver()
    assert deployed.alerts() == []


def test_one_alert_for_an_incident_however_many_failures(deployed: Deployment) -> None:
    for _ in range(4):
        deployed.events(*deployed.records.storm(20))
    deployed.deliver()
    assert len(deployed.alerts()) == 1


def test_what_an_email_says_in_its_first_screen(deployed: Deployment) -> None:
    deployed.events(*(deployed.records.refused(ago=n, agent=TERRAFORM) for n in range(5)))
    [message] = deployed.messages()
    screen = "\n".join(message.email.splitlines()[:40])
    assert "AKIA" in screen and KEY not in message.email
    for fact in ("203.0.113.10", "deploy-ci", "Terraform", "5", "111122223333"):
        assert fact in screen, message.email
    assert "InvalidClientTokenId" in message.email
    assert "aws " in message.email  # A command to go on with.
    assert "ignore" in message.email.lower() or "mute" in message.email.lower()
    assert KEY not in message.subject
    assert "deploy-ci" in message.subject
    # Machines get the key whole; people do not, unless they ask for it.
    assert incident(message.json)["access_key_id"] == KEY
    [received] = deployed.inbox.all()
    assert received.json["alert_id"] == message.json["alert_id"]


def test_keys_are_whole_where_that_is_wanted(deployed: Deployment) -> None:
    deployed.set(UNMASK="true")
    deployed.events(*deployed.records.storm(3))
    [message] = deployed.messages()
    assert KEY in message.email


def test_each_protocol_gets_its_own_text(deployed: Deployment) -> None:
    deployed.set(DASHBOARD_URL="https://dashboard.example/fm")
    deployed.events(*deployed.records.storm(3))
    [message] = deployed.messages()
    assert set(message.parts) >= {"default", "email", "https", "sqs", "lambda", "sms"}
    chat = json.loads(message.parts["https"])
    assert (chat["version"], chat["source"]) == ("1.0", "custom")
    assert chat["content"]["textType"] == "client-markdown"
    assert 1 <= len(chat["content"]["description"]) <= 3000
    assert len(chat["content"].get("title", "")) <= 250
    assert all(len(step) <= 250 for step in chat["content"].get("nextSteps", []))
    assert "\n" not in message.parts["sms"].strip()
    assert len(message.parts["sms"]) <= 1600
    assert message.parts["sqs"] == message.parts["lambda"]
    assert "https://dashboard.example/fm" in message.email


def test_a_test_alert_goes_the_whole_way_and_says_what_it_is(deployed: Deployment) -> None:
    deployed.task("test-alert")
    [message] = deployed.messages()
    assert "test" in message.subject.lower()
    assert "test" in message.email.splitlines()[0].lower() + message.email.splitlines()[1].lower()
    assert message.json["kind"] == "test"
    assert deployed.counted() == 0
    assert len(deployed.inbox.all()) == 1
    deployed.deliver()
    assert len(deployed.inbox.all()) == 1
    deployed.task("test-alert")
    first, second = deployed.alerts()
    assert first["alert_id"] != second["alert_id"]


def test_follow_ups_come_after_1_2_4_hours_while_it_goes_on(deployed: Deployment) -> None:
    deployed.events(*deployed.records.storm(3))
    sent_after = []
    for hour in range(1, 9):
        deployed.clock.advance(HOUR)
        deployed.events(deployed.records.refused())
        deployed.deliver()
        if len(deployed.alerts()) > len(sent_after) + 1:
            sent_after.append(hour)
    assert sent_after == [1, 3, 7]
    assert [incident(a)["due"] for a in deployed.alerts()[1:]] == ["follow-up"] * 3
    assert [incident(a)["number"] for a in deployed.alerts()] == [1, 2, 3, 4]


def test_silence_has_no_follow_up(deployed: Deployment) -> None:
    deployed.events(*deployed.records.storm(3))
    for _ in range(3):
        deployed.clock.advance(10 * HOUR)
        deployed.deliver()
    assert len(deployed.alerts()) == 1


def test_a_new_source_is_told_but_not_at_once(deployed: Deployment) -> None:
    deployed.events(*deployed.records.storm(3))
    deployed.clock.advance(60)
    deployed.events(*deployed.records.storm(3, source="198.51.100.20"))
    assert len(deployed.alerts()) == 1
    deployed.clock.advance(900)
    deployed.deliver()
    _, alert = deployed.alerts()
    assert incident(alert)["due"] == "new-source"
    assert incident(alert)["new_sources"] == ["198.51.100.20"]


def test_more_than_twenty_at_once_become_one_digest(deployed: Deployment) -> None:
    failures = [
        deployed.records.refused(f"AKIADEPLOYC{chr(65 + n)}0EXAMPLE", ago=k, source=f"192.0.2.{n}")
        for n in range(21)
        for k in range(3)
    ]
    invocation = deployed.events(*failures)
    [message] = deployed.messages()
    assert message.json["kind"] == "digest"
    assert len(message.json["incidents"]) + message.json["more_incidents"] == 21
    assert "21" in message.subject
    assert invocation.metric("Digests", Name="fm") == 1


def test_one_source_that_tries_keys_is_one_incident(deployed: Deployment) -> None:
    failures = [
        deployed.records.refused(f"AKIADEPLOYC{chr(65 + n)}0EXAMPLE", ago=10 * n, source="198.51.100.66")
        for n in range(8)
    ]
    deployed.events(*failures)
    [alert] = deployed.alerts()
    told = incident(alert)
    assert told["source"] == "198.51.100.66"
    assert told["access_key_id"] is None
    assert told["findings"][0]["causes"][0]["id"] == "key-probing"


def test_what_is_ignored_is_counted_and_not_told(deployed: Deployment) -> None:
    deployed.set(
        IGNORE=[
            {"source": "198.51.100.0/24", "reason": "the scanner"},
            {"access_key_id": "AKIADEPLOYCI2EXAMPLE"},
        ]
    )
    deployed.events(
        *deployed.records.storm(5, source="198.51.100.9"),
        *deployed.records.storm(5, key="AKIADEPLOYCI2EXAMPLE"),
    )
    assert deployed.alerts() == []
    assert deployed.counted() == 10
    deployed.events(*deployed.records.storm(3))
    assert len(deployed.alerts()) == 1


def test_hostile_text_reaches_no_medium_unescaped(deployed: Deployment) -> None:
    evil = (
        "<!channel> <https://evil.example|click> </pre><script>alert(1)</script> *bold* `code` "
        "\u202edrowssap\u2066 \x1b[31mred\x07 \r\nSubject: pwned\r\n\r\n@here " + "A" * 10_000
    )
    deployed.events(
        *(
            deployed.records.refused(
                ago=n, agent=evil, user="eve\r\nBcc: all@example.com <!everyone>"
            )
            for n in range(3)
        )
    )
    [message] = deployed.messages()
    for name in ("default", "email", "sms"):
        text = message.parts[name]
        for character in ("\u202e", "\u2066", "\x1b", "\x07", "\r"):
            assert character not in text, name
        assert "\nSubject: pwned" not in text
        assert len(text) < 20_000
    chat = json.loads(message.parts["https"])["content"]["description"]
    assert "<!channel>" not in chat and "<https://evil" not in chat
    assert message.size < 100_000


def test_a_digest_on_request(deployed: Deployment) -> None:
    deployed.events(*deployed.records.storm(2))
    assert deployed.alerts() == []
    deployed.task("digest", since="24h")
    [message] = deployed.messages()
    assert message.json["schema"] == "failure-monitor/summary/1"
    assert message.json["totals"]["failures"]["recorded"] == 2
    assert "203.0.113.10" in message.email
