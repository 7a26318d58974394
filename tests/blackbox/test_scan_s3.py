"""`scan --from-s3`: log files in a bucket give what the same files give on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from athena_engine import write_trail
from conftest import Program, check_accounting, gz, refused, trail
from rigs.aws import Moto
from rigs.fixtures import moto, moto_server  # noqa: F401
from test_athena import World

BUCKET = "example-trail"


@pytest.fixture
def bucket(moto: Moto) -> Moto:  # noqa: F811
    moto.bucket(BUCKET)
    return moto


def environment(aws: Moto, **more: str) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "testing", "AWS_REGION": "us-east-1",
            "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true", **more}


def put(aws: Moto, key: str, body: bytes) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


def upload(aws: Moto, folder: Path, prefix: str = "") -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            put(aws, prefix + str(path.relative_to(folder)), path.read_bytes())


def scan(program: Program, aws: Moto, *args: str | Path, code: int = 0, **env: str) -> dict[str, Any]:
    run = program.scan("--format", "json", *args, code=code, **environment(aws, **env))
    check_accounting(run.json)
    return run.json


def objects_read(answer: dict[str, Any]) -> int:
    return int(answer["read"]["files"])


def test_a_bucket_gives_what_the_same_folder_gives(program: Program, bucket: Moto) -> None:
    folder = program.folder / "trail"
    write_trail(World(3).make(), folder)
    upload(bucket, folder, "logs/")
    expected = program.json(folder)
    assert len(expected["findings"]) > 10 and expected["read"]["files"] > 10
    for url in (f"s3://{BUCKET}", f"s3://{BUCKET}/logs/AWSLogs/", f"s3://{BUCKET}/lo"):
        assert scan(program, bucket, "--from-s3", url) == expected, url
    parts = [f"s3://{BUCKET}/logs/AWSLogs/{account}" for account in ("111122223333", "444455556666")]
    both = [part for url in parts for part in ("--from-s3", url)]
    assert scan(program, bucket, *both, "--threads", "1") == expected


def test_folder_and_bucket_make_one_answer(program: Program, bucket: Moto) -> None:
    one, two = refused(1), refused(2, sourceIPAddress="192.0.2.7")
    (program.folder / "one.json").write_bytes(trail(one))
    put(bucket, "two.json.gz", gz(trail(two)))
    found = scan(program, bucket, "one.json", "--from-s3", f"s3://{BUCKET}/two")
    assert {one["source"] for one in found["findings"]} == {"203.0.113.10", "192.0.2.7"}



@pytest.mark.parametrize("organization", ["", "o-exampleorg1/"])
def test_only_the_days_that_are_needed_are_read(
    program: Program, bucket: Moto, organization: str
) -> None:
    stamp = "20250101T0000Z_abcdefghijklmnop.json.gz"
    days = ["2024/12/30", "2024/12/31", "2025/01/01", "2025/01/02", "2025/01/03", "2025/01/04"]
    number = 0
    for account in ("111122223333", "444455556666"):
        for region in ("us-east-1", "eu-west-1"):
            for day in days:
                number += 1
                time = day.replace("/", "-") + "T12:00:00Z"
                put(bucket, f"AWSLogs/{organization}{account}/CloudTrail/{region}/{day}/"
                            f"{account}_CloudTrail_{region}_{stamp}",
                    gz(trail(refused(number, eventTime=time, sourceIPAddress=f"192.0.2.{number}"))))
    args = ("--since", "2025-01-01T06:00:00Z", "--until", "2025-01-02T18:00:00Z")
    for prefix in ("", "AWSLogs/", f"AWSLogs/{organization}"):
        found = scan(program, bucket, "--from-s3", f"s3://{BUCKET}/{prefix}", *args)
        # A look-back before, a day after, for two accounts in two regions.
        assert objects_read(found) == 4 * 4, prefix
        assert len(found["findings"]) == 4 * 2
    account = f"AWSLogs/{organization}111122223333/"
    for prefix, count in [(account, 8), (f"{account}CloudTrail/", 8), (account[:-1], 12),
                          (f"{account}CloudTrail/us-east-1/", 4),
                          (f"{account}CloudTrail/us-east-1/2025/", 3),
                          (f"{account}CloudTrail/us-east-1/2025/01/02", 1)]:
        found = scan(program, bucket, "--from-s3", f"s3://{BUCKET}/{prefix}", *args)
        assert objects_read(found) == count, prefix
    assert objects_read(scan(program, bucket, "--from-s3", f"s3://{BUCKET}")) == number


def test_what_is_no_log_file_is_passed_over(program: Program, bucket: Moto) -> None:
    account = "AWSLogs/111122223333"
    name = "us-east-1/2025/01/14/a.json.gz"
    put(bucket, f"{account}/CloudTrail/{name}", gz(trail(refused(1))))
    put(bucket, f"{account}/CloudTrail-Digest/{name}", gz(b"{}"))
    put(bucket, f"{account}/CloudTrail-Insight/{name}", gz(b"{}"))
    put(bucket, f"{account}/CloudTrail/", b"")
    for args in ((), ("--since", "2025-01-14T00:00:00Z")):
        read = scan(program, bucket, "--from-s3", f"s3://{BUCKET}/AWSLogs/", *args)["read"]
        assert (read["files"], read["failures"], read["skipped"], read["passed_over"]) == (1, 1, 0, 2)


def test_a_broken_object_is_named_and_the_rest_is_read(program: Program, bucket: Moto) -> None:
    put(bucket, "a/broken.json.gz", gz(trail(refused(1)))[:-9])
    put(bucket, "a/good.json.gz", gz(trail(refused(2))))
    found = scan(program, bucket, "--from-s3", f"s3://{BUCKET}/a/", code=2)
    assert found["read"]["skipped"] == 1
    [warning] = found["warnings"]
    assert warning["file"] == f"s3://{BUCKET}/a/broken.json.gz"
    assert sum(one["origins"]["recorded"] for one in found["findings"]) >= 1


def test_a_bucket_that_cannot_be_listed_ends_the_run(program: Program, bucket: Moto) -> None:
    for url, said in [("s3://no-such-bucket-example/a", "NoSuchBucket"), ("example-trail/a", "s3://")]:
        run = program.run("scan", "--from-s3", url, **environment(bucket))
        assert run.code == 2 and said in run.err and not run.out
        assert run.err.startswith("error: ")


def test_nobody_at_the_address_is_said_at_once(program: Program) -> None:
    run = program.run("scan", "--from-s3", f"s3://{BUCKET}/a", AWS_ENDPOINT_URL="http://127.0.0.1:1",
                      AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing",
                      AWS_REGION="us-east-1")
    assert run.code == 2 and "S3 cannot be reached" in run.err
