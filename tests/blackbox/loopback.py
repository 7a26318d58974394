"""A server on a free port of the loopback that plays an AWS service by what a test says."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Callable, Iterator


@dataclass
class Call:
    """A request as it came."""

    path: str
    body: str
    headers: dict[str, str]
    at: float


@dataclass
class Service:
    """What was asked, and where."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """What makes a client ask this service and nobody else."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "NO_PROXY": "127.0.0.1",
        }


@contextmanager
def service(answer: Callable[[Call, int], tuple[int, str]]) -> Iterator[Service]:
    """Answers each call with the status and body that `answer` gives for it and its number."""
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.path, self.rfile.read(length).decode(), headers, monotonic())
            made.calls.append(call)
            status, body = answer(call, len(made.calls))
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sts_error(code: str) -> str:
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>x</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )


STS_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    "<GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ci</Arn>"
    "<UserId>AIDADEPLOYCI0EXAMPLE</UserId><Account>111122223333</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
