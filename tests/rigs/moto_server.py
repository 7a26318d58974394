"""moto's server as a process: one account, a free port, and transactions at a usable price.

Prints its port, and ends with its standard input. Written for the moto of tests/requirements.txt.
"""

from __future__ import annotations

import copy
import os
import sys
import threading
from typing import Any

ACCOUNT = "111122223333"

# Before anything else of moto copies the constant. Its variable MOTO_ACCOUNT_ID would do, but
# then the credentials of an assumed role would no longer lead to their own account.
import moto.core.models  # noqa: E402

moto.core.models.DEFAULT_ACCOUNT_ID = moto.core.DEFAULT_ACCOUNT_ID = ACCOUNT

import moto.dynamodb.models as dynamodb  # noqa: E402
import moto.dynamodb.responses as dynamodb_responses  # noqa: E402
from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server  # noqa: E402

Table = dynamodb.Table
_state = threading.local()
_lock = threading.RLock()


def one_at_a_time() -> None:
    """moto's transactions are neither isolated nor atomic among the threads of its server."""
    call = dynamodb_responses.DynamoHandler.call_action

    def locked(self: Any) -> Any:
        with _lock:
            return call(self)

    dynamodb_responses.DynamoHandler.call_action = locked


def cheap_rollback() -> None:
    """moto copies the whole table for each transaction; here only the items that it touches."""
    transact = dynamodb.DynamoDBBackend.transact_write_items
    plain = copy.deepcopy

    def key_of(table: Any, operation: dict[str, Any]) -> tuple[Any, Any]:
        key = operation.get("Key") or operation["Item"]
        sort = table.range_key_attr
        return (
            dynamodb.DynamoType(key[table.hash_key_attr]),
            dynamodb.DynamoType(key[sort]) if sort else None,
        )

    def deepcopy_of_table(self: Any, memo: dict[int, Any]) -> Any:
        if getattr(_state, "transaction", False):
            return self
        made = Table.__new__(Table)
        memo[id(self)] = made
        made.__dict__.update({k: plain(v, memo) for k, v in self.__dict__.items()})
        return made

    def with_rollback(self: Any, transact_items: list[dict[str, Any]]) -> None:
        before = []
        for item in transact_items:
            operation = next(iter(item.values()))
            table = self.tables.get(operation.get("TableName"))
            if table is not None:
                key = key_of(table, operation)
                before.append((table, key, plain(table.get_item(*key))))
        _state.transaction = True
        try:
            transact(self, transact_items)
        except Exception:
            for table, (hash_key, range_key), old in reversed(before):
                if range_key is None:
                    table.items.pop(hash_key, None)
                    if old is not None:
                        table.items[hash_key] = old
                    continue
                table.items[hash_key].pop(range_key, None)
                if old is not None:
                    table.items[hash_key][range_key] = old
                elif not table.items[hash_key]:
                    del table.items[hash_key]
            raise
        finally:
            _state.transaction = False

    Table.__deepcopy__ = deepcopy_of_table
    dynamodb.DynamoDBBackend.transact_write_items = with_rollback


class Handler(MotoRequestHandler):
    """Keeps connections, and writes no log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, *_: Any) -> None:
        pass


def main() -> None:
    one_at_a_time()
    cheap_rollback()
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    os.environ["MOTO_PORT"] = str(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
