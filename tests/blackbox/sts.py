"""STS as far as `doctor` and `canary` ask it, and IAM behind it where a test has one.

Answers GetCallerIdentity by access key ID, checks signatures of keys whose secrets it knows, and
remembers when it was asked.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

from rigs.serve import Answer, Request, Server

ACCOUNT = "111122223333"
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
SCOPE = re.compile(
    r"Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, *SignedHeaders=([^,]+), *Signature=(\w+)"
)

INVALID = (403, "InvalidClientTokenId", "The security token included in the request is invalid.")
EXPIRED = (403, "ExpiredToken", "The security token included in the request is expired")
SIGNATURE = (
    403, "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided.",
)
SKEWED = (403, "SignatureDoesNotMatch", "Signature expired: 20250101T000000Z is now earlier than")
DISABLED = (403, "RegionDisabledException", "STS is not activated in this region for account:1")


@dataclass
class Asked:
    """A call of GetCallerIdentity."""

    access_key_id: str
    region: str
    token: str | None
    signed_well: bool | None  # None where the secret is not known here.
    at: float  # On the monotonic clock.
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


Judge = Callable[[Asked], "tuple[int, str, str] | None"]


class Sts(Server):
    """`judge` says how to refuse a call, or none to accept it; IAM calls go to `iam`."""

    def __init__(self, judge: Judge = lambda _: None, iam: str | None = None):
        self.judge = judge
        self.iam = urlsplit(iam).netloc if iam else None
        self.secrets: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.asked: list[Asked] = []
        self.passed: list[str] = []  # Actions of IAM, in order.
        self.refuse: dict[str, tuple[int, str, str]] = {}  # By action of IAM.
        self.headers: dict[str, str] = {}  # Of each answer.
        self.on_call: Callable[[Asked, tuple[int, str, str] | None], None] = lambda *_: None
        self._lock = threading.Lock()
        super().__init__()

    def answer(self, request: Request) -> Answer | None:
        scope = SCOPE.search(request.headers.get("authorization", ""))
        if not scope:
            return self._error(403, "MissingAuthenticationToken", "Missing Authentication Token")
        action = parse_qs(request.body.decode()).get("Action", ["?"])[0]
        if scope.group(4) != "sts":
            return self._pass_on(action, request)
        if action == "GetSessionToken":
            return self._session(request)
        key = scope.group(1)
        asked = Asked(
            key, scope.group(3), request.headers.get("x-amz-security-token"),
            self._signed_well(request, scope), time.monotonic(),
        )
        with self._lock:
            self.asked.append(asked)
        refusal = self.judge(asked)
        self.on_call(asked, refusal)
        if refusal:
            return self._error(*refusal, request_id=asked.request_id)
        result = (
            f"<Arn>arn:aws:iam::{ACCOUNT}:user/deploy-ci</Arn><UserId>AIDADEPLOYCI0EXAMPLE</UserId>"
            f"<Account>{ACCOUNT}</Account>"
        )
        return self._xml("GetCallerIdentity", result, asked.request_id)

    def _session(self, request: Request) -> Answer:
        key = f"ASIASESSION{len(self.tokens)}EXAMPLEX"[:20]
        secret, token = "s" * 40, "IQoJb3JpZ2lu" * 20
        self.secrets[key], self.tokens[key] = secret, token
        result = (
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>"
        )
        return self._xml("GetSessionToken", result, str(uuid.uuid4()))

    def _xml(self, action: str, result: str, request_id: str) -> Answer:
        text = (
            f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{result}</{action}Result>'
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
        )
        return self._answer(200, text, request_id)

    def _error(self, status: int, code: str, message: str, request_id: str = "rigs") -> Answer:
        text = (
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
            f"<Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return self._answer(status, text, request_id)

    def _answer(self, status: int, text: str, request_id: str) -> Answer:
        headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id, **self.headers}
        return Answer(status, text.encode(), headers)

    def _signed_well(self, request: Request, scope: re.Match[str]) -> bool | None:
        """Signature version 4, for the plain POST that the query protocol is."""
        key, day, region, service, names, signature = scope.groups()
        if key not in self.secrets:
            return None
        headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names.split(";"))
        hashed = hashlib.sha256(request.body).hexdigest()
        whole = "\n".join([request.method, "/", "", headers, names, hashed])
        text = "\n".join([
            "AWS4-HMAC-SHA256", request.headers["x-amz-date"], f"{day}/{region}/{service}/aws4_request",
            hashlib.sha256(whole.encode()).hexdigest(),
        ])
        derived = f"AWS4{self.secrets[key]}".encode()
        for part in (day, region, service, "aws4_request"):
            derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
        return hmac.new(derived, text.encode(), hashlib.sha256).hexdigest() == signature

    def _pass_on(self, action: str, request: Request) -> Answer | None:
        with self._lock:
            self.passed.append(action)
        if action in self.refuse:
            return self._error(*self.refuse[action])
        if not self.iam:
            return self._error(403, "AccessDenied", "not here")
        connection = http.client.HTTPConnection(self.iam, timeout=60)
        connection.request(request.method, request.path, request.body, request.headers)
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        if action == "CreateAccessKey":
            text = body.decode()
            key = re.search(r"<AccessKeyId>(\w+)</AccessKeyId>", text)
            secret = re.search(r"<SecretAccessKey>([^<]+)</SecretAccessKey>", text)
            if key and secret:
                self.secrets[key.group(1)] = secret.group(1)
        kept = ("content-type", "x-amzn-requestid")
        headers: dict[str, Any] = {k: v for k, v in reply.getheaders() if k.lower() in kept}
        return Answer(reply.status, body, headers)
