#!/usr/bin/env python3
"""Reads a corpus the slow way and works out its answer: `oracle.py DIR`.

Knows the rules of a scan, written down a second time. Must not use the generator or the program
that is measured: where all three agree, they agree about the same files and nothing else.
"""

import gzip
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

CODES = {
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IDPCommunicationError",
    "IDPRejectedClaim", "IncompleteSignature", "IncompleteSignatureException",
    "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidIdentityToken",
    "InvalidSignatureException", "InvalidToken", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "RegionDisabledException", "RequestExpired",
    "RequestInTheFuture", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
LOOK_BACK = timedelta(hours=24)
# A success so soon after the change may only mean that IAM has not told everybody yet.
PROPAGATION = timedelta(minutes=1)


def text(value):
    """A value as text; what is empty, null or no scalar is absent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return value if isinstance(value, str) and value else None


def part(record, name):
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def failure_code(record):
    """The code of a refused credential, or None."""
    code, message = text(record.get("errorCode")), text(record.get("errorMessage"))
    if code is None:
        response = part(record, "responseElements")
        code, message = text(response.get("errorCode")), text(response.get("errorMessage"))
    if code is None or code.removeprefix("Client.") not in CODES:
        return None
    message = (message or "").lower()
    if "no account found for the given parameters" in message:
        return None
    if code.endswith("AuthFailure") and "credentials" not in message:
        return None
    return code


def succeeded(record):
    return not (
        text(record.get("errorCode"))
        or text(record.get("errorMessage"))
        or text(part(record, "responseElements").get("errorCode"))
    )


def key_change(record):
    """(change, access key ID, user name) of a successful key-life call, or None."""
    if text(record.get("eventSource")) != "iam.amazonaws.com" or not succeeded(record):
        return None
    name, request = text(record.get("eventName")), part(record, "requestParameters")
    if name == "CreateAccessKey":
        made = part(part(record, "responseElements"), "accessKey")
        return "created", text(made.get("accessKeyId")), text(made.get("userName"))
    key, user = text(request.get("accessKeyId")), text(request.get("userName"))
    if name == "DeleteAccessKey":
        return "deleted", key, user
    if name == "UpdateAccessKey":
        return {"Inactive": "deactivated"}.get(request.get("status"), "reactivated"), key, user
    return None


def when(time):
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ")


def left_behind(changes, uses):
    """Who used a key in the day before it was first turned off, and who of them went on."""
    off = {}
    for change in changes:
        if change["change"] in ("deactivated", "deleted"):
            earliest = off.setdefault(change["access_key_id"], change)
            if change["time"] < earliest["time"]:
                off[change["access_key_id"]] = change
    out = []
    for key, change in sorted(off.items()):
        end, callers = when(change["time"]), {}
        for use in uses:
            if use["key"] == key and end - LOOK_BACK <= when(use["time"]) < end:
                callers.setdefault((use["source"], use["user_agent"]), []).append(use)
        rows = []
        for (source, user_agent), own in sorted(callers.items()):
            times = sorted(use["time"] for use in own)
            principals = {use["principal"] for use in own}
            resolved = any(
                use["key"] != key
                and use["key"].startswith("AKIA")
                and use["source"] == source
                and use["principal"] in principals
                and when(use["time"]) > end + PROPAGATION
                for use in uses
            )
            rows.append({
                "source": source, "user_agent": user_agent, "uses": len(times),
                "first_used": times[0], "last_used": times[-1], "resolved": resolved,
            })
        out.append({
            "access_key_id": key, "account": change["account"],
            "off_at": change["time"], "callers": rows,
        })
    return out


def answer(folder):
    """The same object as `expected.json`, without its parameters."""
    files = sorted(Path(folder).rglob("*.json.gz"))
    size = compressed = seen = 0
    groups, by_code, changes, uses = {}, {}, [], []
    for path in files:
        raw = path.read_bytes()
        inflated = gzip.decompress(raw)
        size, compressed = size + len(inflated), compressed + len(raw)
        for record in json.loads(inflated)["Records"]:
            seen += 1
            identity = part(record, "userIdentity")
            account = text(identity.get("accountId")) or text(record.get("recipientAccountId"))
            key, time = text(identity.get("accessKeyId")), text(record.get("eventTime"))
            source = text(record.get("sourceIPAddress")) or "unknown"
            if code := failure_code(record):
                by_code[code] = by_code.get(code, 0) + 1
                groups.setdefault((account, key, source), []).append((code, time))
            elif change := key_change(record):
                kind, changed, user = change
                changes.append({
                    "time": time, "change": kind, "access_key_id": changed,
                    "user_name": user, "account": account,
                })
            if key and key.startswith("AKIA") and succeeded(record):
                agent = text(record.get("userAgent")) or ""
                if agent.startswith("[") and agent.endswith("]"):
                    agent = agent[1:-1]
                uses.append({
                    "key": key, "source": source, "user_agent": agent, "time": time,
                    "principal": text(identity.get("arn")),
                })
    rows = []
    for (account, key, source), own in groups.items():
        times = sorted(time for _, time in own)
        codes = {}
        for code, _ in own:
            codes[code] = codes.get(code, 0) + 1
        rows.append({
            "account": account, "access_key_id": key, "source": source, "failures": len(own),
            "codes": codes, "first_seen": times[0], "last_seen": times[-1],
        })
    rows.sort(key=lambda row: (row["account"], row["access_key_id"] or "", row["source"]))
    changes.sort(key=lambda change: (change["time"], change["access_key_id"]))
    return {
        "schema": "failure-monitor/bench/1",
        "files": len(files), "bytes": size, "compressed_bytes": compressed, "seen": seen,
        "failures": sum(by_code.values()), "failures_by_code": by_code,
        "groups": rows, "key_changes": changes, "left_behind": left_behind(changes, uses),
    }


def differences(expected, found, at=""):
    """Where two answers differ, as lines."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line
            for name in sorted(expected.keys() | found.keys())
            for line in differences(expected.get(name), found.get(name), f"{at}.{name}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line
            for index, (one, other) in enumerate(zip(expected, found))
            for line in differences(one, other, f"{at}[{index}]")
        ]
    if expected == found:
        return []
    if isinstance(expected, list) and isinstance(found, list):
        return [f"{at}: {len(expected)} expected, {len(found)} found"]
    return [f"{at}: {expected!r} expected, {found!r} found"]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    json.dump(answer(sys.argv[1]), sys.stdout, indent=2)
    print()
