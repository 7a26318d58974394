"""A Slack incoming webhook that answers what a test wants, and keeps what it got."""

from __future__ import annotations

import json
import threading
from typing import Any

from .serve import Answer, Request, Server


class Webhook(Server):
    """Answers `ok`, as Slack does, until told otherwise."""

    def __init__(self) -> None:
        self.got: list[Any] = []  # Bodies that were accepted.
        self.refused: list[Any] = []
        self.path = "/services/T00000000/B00000000/rigs-webhook-secret"
        self._next: list[Answer] = []
        self._lock = threading.Lock()
        super().__init__()

    def then(self, status: int, text: str = "", **headers: str) -> None:
        """The next request that has no answer yet gets this one; `Retry_After="1"` is a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with self._lock:
            self._next.append(Answer(status, text.encode(), named))

    def answer(self, request: Request) -> Answer | None:
        with self._lock:
            if request.path != self.path:
                return Answer(404, b"no_service")
            try:
                body = json.loads(request.body)
            except ValueError:
                return Answer(400, b"invalid_payload")
            answer = self._next.pop(0) if self._next else Answer(200, b"ok")
            (self.got if answer.status == 200 else self.refused).append(body)
            return answer
