"""What infra/athena.tf makes its table and queries of, out of `failure-monitor athena`.

`FAILURE_MONITOR=target/debug/failure-monitor python -m infra.athena`, run in tests/, writes
infra/athena.json anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from .terraform import INFRA, ROOT

FILE = INFRA / "athena.json"
# What the program calls the table; Terraform puts its own name there.
DATABASE, TABLE = "default", "cloudtrail_failure_monitor"


def columns(text: str) -> list[dict[str, str]]:
    """Names and types of a list such as `a` string, `b` struct<c: string>."""
    parts = re.findall(r"`(\w+)` (.+?)(?=,\s*`|\s*$)", text, re.S)
    return [{"name": name, "type": re.sub(r"\s+", "", kind)} for name, kind in parts]


def of_program(program: Path) -> dict[str, Any]:
    """The program's statements, taken apart."""
    answer = json.loads(subprocess.run(
        [program, "athena", "--bucket", "example-trail", "--accounts", "111122223333",
         "--regions", "us-east-1", "--database", DATABASE, "--table", TABLE, "--format", "json"],
        check=True, capture_output=True,
    ).stdout)
    statements = {statement["name"]: statement for statement in answer["statements"]}
    table = statements.pop("table")["sql"]

    def only(pattern: str) -> str:
        (found,) = re.findall(pattern, table, re.S)
        return found

    return {
        "columns": columns(only(r"`cloudtrail_failure_monitor` \((.*?)\)\nPARTITIONED")),
        "input_format": only(r"INPUTFORMAT '(.*?)'"),
        "output_format": only(r"OUTPUTFORMAT '(.*?)'"),
        "partitions": columns(only(r"PARTITIONED BY \((.*?)\)")),
        "placeholder": f'"{DATABASE}"."{TABLE}"',
        "queries": {
            name: {"description": statement["description"], "sql": statement["sql"]}
            for name, statement in statements.items()
        },
        "serde": only(r"ROW FORMAT SERDE '(.*?)'"),
    }


def properties(program: Path) -> dict[str, str]:
    """The table's properties as the program writes them."""
    table = subprocess.run(
        [program, "athena", "--bucket", "example-trail", "--accounts", "111122223333",
         "--regions", "us-east-1", "--query", "table"], check=True, capture_output=True, text=True,
    ).stdout
    return dict(re.findall(r"'([\w.]+)' = '(.*?)'", table))


if __name__ == "__main__":
    made = of_program(ROOT / os.environ["FAILURE_MONITOR"])
    FILE.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n")
