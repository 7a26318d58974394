"""What calls of DynamoDB cost in units of an on-demand table.

Counted by the rules of https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
and not taken from moto, which answers 1 to everything.
"""

from __future__ import annotations

import base64
import json
from math import ceil
from typing import Any

from .aws import Moto
from .proxy import Call


def size(item: dict[str, Any]) -> int:
    """Bytes of an item: names and values.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value: dict[str, Any]) -> int:
    (kind, inside), = value.items()
    match kind:
        case "S":
            return len(inside.encode())
        case "N":
            return ceil(len(inside.strip("-").replace(".", "")) / 2) + 1
        case "B":
            return len(base64.b64decode(inside))
        case "SS":
            return sum(len(one.encode()) for one in inside)
        case "M":
            return 3 + sum(len(name.encode()) + _value(one) + 1 for name, one in inside.items())
        case "L":
            return 3 + sum(_value(one) + 1 for one in inside)
    return 1  # BOOL and NULL.


def _units(bytes_: int, step: int) -> int:
    return max(1, ceil(bytes_ / step))


def writes(call: Call, moto: Moto) -> float:
    """Write request units, refused conditions included, by the item as it is in the table now."""
    if call.service != "dynamodb" or call.action not in (
        "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"
    ):
        return 0
    transaction = call.action == "TransactWriteItems"
    operations = (
        [next(iter(item.values())) for item in call.json["TransactItems"]] if transaction else [call.json]
    )
    units = 0
    for operation in operations:
        key = operation.get("Key") or {name: operation["Item"][name] for name in ("pk", "sk")}
        found = moto.client("dynamodb").get_item(TableName=operation["TableName"], Key=key).get("Item", {})
        units += _units(max(size(found), size(operation.get("Item", {}))), 1024)
    return units * (2 if transaction else 1)


def reads(call: Call) -> float:
    """Read request units of what was answered; what is not there costs like the smallest item."""
    if call.service != "dynamodb" or call.action not in ("Query", "GetItem", "BatchGetItem"):
        return 0
    asked, answer = call.json, json.loads(call.reply)
    if call.action == "Query":
        assert "FilterExpression" not in asked, "a filter hides what was read"
        bytes_ = sum(size(item) for item in answer["Items"])
        return _units(bytes_, 4096) * (1 if asked.get("ConsistentRead") else 0.5)
    if call.action == "GetItem":
        return _units(size(answer.get("Item", {})), 4096) * (1 if asked.get("ConsistentRead") else 0.5)
    units = 0.0
    for table, request in asked["RequestItems"].items():
        found = answer["Responses"].get(table, [])
        each = sum(_units(size(item), 4096) for item in found) + len(request["Keys"]) - len(found)
        units += each * (1 if request.get("ConsistentRead") else 0.5)
    return units
