"""The Slack webhook."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from .webhook import Webhook


def test_answers_in_turn() -> None:
    hook = Webhook()

    def post(path: str = hook.path) -> int:
        body = json.dumps({"text": "t"}).encode()
        return int(urllib.request.urlopen(urllib.request.Request(hook.url + path, body)).status)

    hook.then(429, "rate_limited", Retry_After="2")
    with pytest.raises(urllib.error.HTTPError) as caught:
        post()
    assert caught.value.code == 429 and caught.value.headers["Retry-After"] == "2"
    assert post() == 200
    with pytest.raises(urllib.error.HTTPError):
        post("/services/other")
    assert (len(hook.got), len(hook.refused)) == (1, 1)
    hook.stop()
