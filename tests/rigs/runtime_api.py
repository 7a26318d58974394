"""Lambda around one function: the Runtime API, and the process that asks it for work.

The API is that of https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. A `Function` is
one execution environment, so it does one invocation at a time; start several for concurrency.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .clock import Clock
from .serve import Answer, Request, Server

VERSION = "/2018-06-01/runtime"
LARGEST = 6 * 1024 * 1024

# An access key for the role of each handler, so that its calls can be told from the others'.
KEYS = {
    "monitor": "ASIAFNMONITOREXAMPLE", "summary": "ASIAFNSUMMARYEXAMPLE", "slack": "ASIAFNOFSLACKEXAMPLE",
}


@dataclass
class Metric:
    """One value of a metric, as CloudWatch takes it from an EMF line."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    value: float
    unit: str


def metrics_of(line: Any) -> list[Metric]:
    """The metrics of a line of output, for each of its sets of dimensions.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    found = []
    directives = line["_aws"]["CloudWatchMetrics"] if "_aws" in line else []
    for directive in directives:
        for names in directive["Dimensions"]:
            dimensions = {name: line[name] for name in names}
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    unit = metric.get("Unit", "None")
                    found.append(
                        Metric(directive["Namespace"], metric["Name"], dimensions, value, unit)
                    )
    return found


@dataclass
class Invocation:
    """One invocation, from the moment it is offered."""

    payload: bytes
    deadline_ms: int
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    taken: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    body: bytes = b""
    error: dict[str, Any] | None = None
    crashed: bool = False
    timed_out: bool = False
    seconds: float = 0.0
    output: str = ""

    @property
    def response(self) -> Any:
        """What the function answered; a test that asks for it wants no error."""
        assert self.error is None and not self.crashed and not self.timed_out, self.story()
        return json.loads(self.body)

    def story(self) -> str:
        """What happened, for a failed assertion."""
        end = "crashed" if self.crashed else "timed out" if self.timed_out else self.error
        return f"{end or self.body[:2000]!r}\n{self.output}"

    @property
    def lines(self) -> list[Any]:
        """The lines of output that are JSON objects."""
        return json_lines(self.output)

    @property
    def metrics(self) -> list[Metric]:
        return [metric for line in self.lines for metric in metrics_of(line)]

    def metric(self, name: str, **dimensions: str) -> float | None:
        """The sum of a metric over exactly these dimensions; none where it was not emitted."""
        values = [
            m.value for m in self.metrics if m.name == name and m.dimensions == dimensions
        ]
        return sum(values) if values else None


def json_lines(text: str) -> list[Any]:
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            found.append(json.loads(line))
    return found


class RuntimeApi(Server):
    """The Runtime API of one execution environment."""

    def __init__(self, function_arn: str):
        self.function_arn = function_arn
        self.offered: list[Invocation] = []
        self.running: Invocation | None = None
        self.change = threading.Condition()
        self.asked = 0  # How often the process asked for work,
        self.ended = 0  # and how often it finished some.
        self.asked_at: float | None = None  # When it first did, on the monotonic clock.
        self.init_error: dict[str, Any] | None = None
        self.closed = False
        super().__init__()

    def offer(self, invocation: Invocation) -> None:
        with self.change:
            self.offered.append(invocation)
            self.change.notify_all()

    def close(self) -> None:
        with self.change:
            self.closed = True
            self.change.notify_all()
        self.stop()

    def answer(self, request: Request) -> Answer | None:
        path = request.path.removeprefix(VERSION)
        match request.method, path.strip("/").split("/"):
            case "GET", ["invocation", "next"]:
                return self._next()
            case "POST", ["init", "error"]:
                with self.change:
                    self.init_error = json.loads(request.body)
                    self.change.notify_all()
                return _status(202, {"status": "OK"})
            case "POST", ["invocation", request_id, "response" | "error" as kind]:
                return self._end(request_id, kind, request.body)
        return _status(404, {"errorType": "NotFound", "errorMessage": path})

    def _next(self) -> Answer | None:
        with self.change:
            self.asked += 1
            self.asked_at = self.asked_at or time.monotonic()
            self.change.notify_all()
            while not self.offered and not self.closed:
                self.change.wait()
            if self.closed:
                return None
            invocation = self.running = self.offered.pop(0)
        invocation.taken.set()
        return Answer(
            200,
            invocation.payload,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;"
                "Parent=9a9197af755a6419;Sampled=0",
            },
        )

    def _end(self, request_id: str, kind: str, body: bytes) -> Answer:
        invocation = self.running
        if invocation is None or invocation.request_id != request_id:
            refusal = {"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"}
            return _status(400, refusal)
        if len(body) > LARGEST:
            what = "Exceeded maximum allowed payload size (6291556 bytes)."
            return _status(413, {"errorType": "RequestEntityTooLarge", "errorMessage": what})
        self.running = None
        self.ended += 1
        invocation.body = body
        if kind == "error":
            invocation.error = json.loads(body)
        invocation.done.set()
        return _status(202, {"status": "OK"})


def _status(code: int, body: dict[str, Any]) -> Answer:
    return Answer(code, json.dumps(body).encode(), {"Content-Type": "application/json"})


class Function:
    """A built `bootstrap` as Lambda runs it: its environment, its process, its output."""

    def __init__(
        self,
        bootstrap: Path,
        handler: str,
        environment: dict[str, str],
        *,
        clock: Clock | None = None,
        name: str = "failure-monitor-monitor",
        region: str = "us-east-1",
        account: str = "111122223333",
        memory: int = 256,
    ):
        self.bootstrap = bootstrap
        self.clock = clock
        self.arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": handler,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2025/01/14/[$LATEST]0123456789abcdef",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": KEYS.get(handler, "ASIAFNUNKNOWNEXAMPLE"),
            "AWS_SECRET_ACCESS_KEY": "rigs-secret-access-key",
            "AWS_SESSION_TOKEN": "rigs-session-token",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.api: RuntimeApi | None = None
        self.started_at = 0.0

    def start(self, wait: bool = True) -> Function:
        """Starts a fresh process; by default until it asks for work or ends."""
        assert self.process is None or self.process.poll() is not None, "it runs already"
        if self.api:
            self.api.close()
        self.api = RuntimeApi(self.arn)
        # Files and not pipes: what was written before an answer is there after it.
        self._out = tempfile.TemporaryFile()
        environment = {
            **self.environment,
            **(self.clock.environment() if self.clock else {}),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.port}",
        }
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [self.bootstrap], env=environment, cwd="/",
            stdin=subprocess.DEVNULL, stdout=self._out, stderr=subprocess.STDOUT,
        )
        if wait:
            self._wait_ready()
        return self

    def _wait_ready(self, timeout: float = 30) -> None:
        assert self.api and self.process
        end = time.monotonic() + timeout
        with self.api.change:
            while not self.api.asked and self.process.poll() is None:
                assert time.monotonic() < end, f"it never asked for work\n{self.output}"
                self.api.change.wait(0.02)

    @property
    def output(self) -> str:
        """All that the process wrote, logs and metrics alike."""
        return self._written(0)

    def _written(self, since: int) -> str:
        size = os.fstat(self._out.fileno()).st_size
        return os.pread(self._out.fileno(), size - since, since).decode(errors="replace")

    @property
    def init_error(self) -> dict[str, Any] | None:
        """What the process said when it refused to start."""
        return self.api.init_error if self.api else None

    @property
    def init_seconds(self) -> float:
        """From the start of the process to its first question for work."""
        assert self.api and self.api.asked_at is not None, self.output
        return self.api.asked_at - self.started_at

    def begin(self, payload: Any, timeout: float = 30) -> Invocation:
        """Offers an invocation; `timeout` is that of the function."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        assert self.api and self.process
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}\n{self.output}")
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        now = self.clock.now() if self.clock else time.time()
        invocation = Invocation(body, int((now + timeout) * 1000))
        self._mark = os.fstat(self._out.fileno()).st_size
        self._begun = time.monotonic()
        self._kill_at = self._begun + timeout
        self.api.offer(invocation)
        return invocation

    def wait(self, invocation: Invocation) -> Invocation:
        """Until the invocation is answered, its time is over, or its process is dead."""
        assert self.process and self.api
        while not invocation.done.wait(0.005):
            if self.process.poll() is not None:
                invocation.crashed = True
                break
            if time.monotonic() > self._kill_at:
                invocation.timed_out = True
                self.kill()
                break
        invocation.seconds = time.monotonic() - self._begun
        if invocation.done.is_set():
            # The environment is free when it asks again; until then it may still write.
            with self.api.change:
                while self.api.asked == self.api.ended and self.process.poll() is None:
                    self.api.change.wait(0.01)
        invocation.output = self._written(self._mark)
        return invocation

    def invoke(self, payload: Any, timeout: float = 30) -> Invocation:
        """One invocation from beginning to end."""
        return self.wait(self.begin(payload, timeout))

    def kill(self) -> None:
        """SIGKILL, as Lambda does when time is over, or a host dies."""
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        self.kill()
        if self.api:
            self.api.close()
            self.api = None

    def memory(self, field: str = "VmHWM") -> int:
        """Bytes of memory of the process: its peak, or `VmRSS` for now."""
        assert self.process
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")
