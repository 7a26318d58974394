"""Athena's SQL on an engine that runs here: the table as its definition says it, on DuckDB.

Must not know what the queries should give. sqlglot reads the statements as Athena does (Hive for
the table, Trino for queries) and writes them for DuckDB; what it cannot read is an error.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Iterable, Iterator

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

PARTITIONS = ("account", "region", "day")


def parse(sql: str) -> exp.Expression:
    [statement] = sqlglot.parse(sql, read="athena", error_level=ErrorLevel.RAISE)
    assert statement is not None
    return statement


def properties(definition: exp.Expression) -> dict[str, str]:
    """The table properties of a definition."""
    return {one.name: one.args["value"].name for one in definition.find_all(exp.Property)
            if type(one) is exp.Property}


class Table:
    """A table made from its definition, filled with records."""

    def __init__(self, definition: str):
        statement = parse(definition)
        assert isinstance(statement, exp.Create) and statement.kind == "TABLE"
        schema = statement.this
        partitioned = statement.find(exp.PartitionedByProperty)
        assert partitioned is not None
        columns = [*schema.expressions, *partitioned.this.expressions]
        self.columns: dict[str, exp.DataType] = {one.name: one.kind for one in columns}
        assert tuple(self.columns)[-3:] == PARTITIONS
        self.name = schema.this.name
        self.database = schema.this.db
        self.engine = duckdb.connect(":memory:", config={"threads": 2})
        self.engine.execute("SET TimeZone = 'UTC'")
        if self.database not in ("", "main"):
            self.engine.execute(f"CREATE SCHEMA {quoted(self.database)}")
        self.engine.execute(f"CREATE TABLE {self.place} ({self._typed(', ', ' ')})")

    @property
    def place(self) -> str:
        return f"{quoted(self.database)}.{quoted(self.name)}"

    def _typed(self, between: str, after_name: str) -> str:
        return between.join(
            f"{quoted(name)}{after_name}{kind.sql('duckdb')}" for name, kind in self.columns.items()
        )

    def fill(self, records: Iterable[tuple[dict[str, Any], dict[str, str]]], folder: Path) -> None:
        """Adds records, each with the values of the partition columns."""
        rows = folder / "rows.jsonl"
        with rows.open("w") as out:
            for record, partition in records:
                lower = {name.lower(): value for name, value in record.items()}
                row = {name: as_column(lower.get(name), kind) for name, kind in self.columns.items()}
                out.write(json.dumps({**row, **partition}) + "\n")
        kinds = {name: kind.sql("duckdb") for name, kind in self.columns.items()}
        self.engine.execute(
            f"INSERT INTO {self.place} SELECT * FROM read_json($file, format = 'newline_delimited',"
            f" columns = {kinds}, maximum_object_size = 268435456)", {"file": str(rows)},
        )

    def ask(self, query: str, *parameters: str) -> list[dict[str, Any]]:
        """The rows that a query gives."""
        statement = parse(query)
        assert isinstance(statement, exp.Select)
        sql = statement.sql("duckdb", unsupported_level=ErrorLevel.RAISE)
        found = self.engine.execute(sql, list(parameters))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row)) for row in found.fetchall()]

    def scans(self, query: str) -> int:
        """How often a query reads the table: Trino reads it anew for each mention of a name."""
        statement = parse(query)
        parts = {one.alias: one.this for one in statement.find_all(exp.CTE)}

        def reads(part: exp.Expression) -> int:
            """Of a part, without the definitions of other parts."""
            count = 0
            for table in part.find_all(exp.Table):
                if table.find_ancestor(exp.CTE) is not part.find_ancestor(exp.CTE):
                    continue
                count += reads(parts[table.name]) if table.name in parts and not table.db else 1
            return count

        return reads(statement)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def as_column(value: Any, kind: exp.DataType) -> Any:
    """A value as Athena's input format and JSON SerDe give it: names in lower case, text for what
    the column takes as text."""
    if value is None:
        return None
    if kind.is_type(exp.DataType.Type.STRUCT):
        if not isinstance(value, dict):
            return None
        lower = {name.lower(): one for name, one in value.items()}
        return {one.name: as_column(lower.get(one.name.lower()), one.kind)
                for one in kind.expressions}
    return value if isinstance(value, str) else json.dumps(value)


def trail_records(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """The records below a folder of a trail, with what their path says."""
    for path in sorted(folder.rglob("*.json*")):
        at = path.parts.index("CloudTrail")
        account, region, *day = (path.parts[at - 1], *path.parts[at + 1:-1])
        text = path.read_bytes()
        if path.suffix == ".gz":
            text = gzip.decompress(text)
        for record in json.loads(text)["Records"]:
            yield record, {"account": account, "region": region, "day": "/".join(day)}


def write_trail(records: Iterable[dict[str, Any]], folder: Path) -> None:
    """Records as a trail keeps them: by account, region and day of the event."""
    files: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for record in records:
        place = (record["recipientAccountId"], record["awsRegion"], record["eventTime"][:10])
        files.setdefault(place, []).append(record)
    for (account, region, day), found in files.items():
        path = folder / "AWSLogs" / account / "CloudTrail" / region / day.replace("-", "/")
        path.mkdir(parents=True, exist_ok=True)
        stamp = day.replace("-", "") + "T0000Z"
        name = f"{account}_CloudTrail_{region}_{stamp}_abcdefghijklmnop.json.gz"
        text = json.dumps({"Records": found}, separators=(",", ":"), ensure_ascii=False)
        (path / name).write_bytes(gzip.compress(text.encode(), mtime=0))
