"""What can be said of the configuration without deploying it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from . import athena, costs
from .terraform import INFRA, ROOT, Terraform

README = INFRA / "README.md"


def test_every_file_is_formatted() -> None:
    subprocess.run(["terraform", "fmt", "-check", "-diff", "-recursive", INFRA], check=True)


def test_is_valid_and_uses_nothing_deprecated(offline: Terraform) -> None:
    answer = json.loads(offline.run("validate", "-json").out)
    assert answer["valid"] and not answer["diagnostics"], answer


def test_passes_terraforms_own_tests(offline: Terraform) -> None:
    done = offline.run("test", "-no-color")
    passed = int(re.search(r"Success! (\d+) passed, 0 failed", done.out)[1])
    assert passed >= 10, done.out


@pytest.mark.parametrize("example", sorted((INFRA / "examples").glob("*.tfvars")), ids=lambda p: p.stem)
def test_each_example_can_be_planned(offline: Terraform, example: Path) -> None:
    # The settings of a provider that needs no account, which all of Terraform's tests begin with.
    head = (INFRA / "tests" / "defaults.tftest.hcl").read_text().split("# One plan for all")[0]
    name = f"tests/{example.stem}.tftest.hcl"
    (offline.folder / name).write_text(head + 'run "example" {\n  command = plan\n}\n')
    try:
        done = offline.run(
            "test", "-no-color", f"-filter={name}", f"-var-file=examples/{example.name}"
        )
    finally:
        (offline.folder / name).unlink()
    assert "Success! 1 passed" in done.out
    assert "Warning" not in done.out, done.out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["-var=alert_emails=[\"not-an-address\"]"],
            "each entry must be one e-mail address, such as me@example.com",
        ),
        (
            ['-var=slack={workspace_id="T012ABCDEF",channel_id="C012ABCDEF",webhook_parameter="/x"}'],
            "give either webhook_parameter, or workspace_id and channel_id, not both ways at once",
        ),
        (
            ['-var=slack={webhook_parameter="https://hooks.slack.com/services/T0/B0/x"}'],
            "Never put the URL itself here",
        ),
        (["-var=region=Frankfurt"], "region must be the code of a region, such as eu-central-1"),
    ],
    ids=["email", "two-slack-ways", "slack-url", "region"],
)
def test_a_wrong_value_is_told_what_is_allowed(
    offline: Terraform, arguments: list[str], message: str
) -> None:
    done = offline.run("plan", "-no-color", "-refresh=false", *arguments, code=1)
    assert message in done.text


def blocks(kind: str, folder: Path = INFRA) -> dict[str, str]:
    """The named blocks of a kind, and their text."""
    found = {}
    for path in sorted(folder.glob("*.tf")):
        for match in re.finditer(rf'(?ms)^{kind} "(\w+)" \{{\n(.*?)^\}}', path.read_text()):
            found[match[1]] = match[2]
    return found


def attribute(block: str, name: str) -> str:
    """A value as it is written, on however many lines."""
    match = re.search(rf"(?ms)^  {name} += (.*?)(?=^  \w+ += |^  \w+ \{{|^$|\Z)", block)
    return " ".join(match[1].split()) if match else ""


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading of the README."""
    section = README.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[2:]]


@pytest.mark.parametrize("kind", ["variable", "output"])
@pytest.mark.parametrize("folder", [INFRA, INFRA / "modules" / "region"], ids=["infra", "region"])
def test_variables_and_outputs_are_sorted_described_and_typed(folder: Path, kind: str) -> None:
    found = blocks(kind, folder)
    assert list(found) == sorted(found)
    for name, text in found.items():
        assert attribute(text, "description"), name
        assert kind == "output" or attribute(text, "type"), name


def test_the_readme_lists_the_variables() -> None:
    expected = [
        [
            f"`{name}`",
            f"`{attribute(text, 'default')}`" if attribute(text, "default") else "required",
            attribute(text, "description").strip('"').replace("|", "\\|"),
        ]
        for name, text in blocks("variable").items()
    ]
    assert table("Variables") == expected, "\n" + "\n".join(
        "| " + " | ".join(row) + " |" for row in expected
    )


def test_the_readme_lists_the_outputs() -> None:
    expected = [
        [f"`{name}`", attribute(text, "description").strip('"')]
        for name, text in blocks("output").items()
    ]
    assert table("Outputs") == expected, "\n" + "\n".join(
        "| " + " | ".join(row) + " |" for row in expected
    )


def test_the_readme_names_each_alarm() -> None:
    names = set(re.findall(r"(?m)^      ([a-z-]+) = \{\n +text", (INFRA / "health.tf").read_text()))
    assert len(names) >= 8
    text = README.read_text()
    assert not [name for name in names | {"no-data"} if f"`{name}`" not in text]


def rust(folder: str) -> str:
    return "\n".join(path.read_text() for path in (ROOT / "lambda" / "app" / "src").glob(folder))


def test_the_functions_are_given_the_variables_that_they_read() -> None:
    pattern = r"\bFAILURE_MONITOR_[A-Z_]+"
    given = set(re.findall(pattern, (INFRA / "functions.tf").read_text()))
    read = set(re.findall(rf'"({pattern})"', rust("config.rs") + rust("config/function.rs")))
    # Told to the command line by its user.
    assert given == read - {"FAILURE_MONITOR_FUNCTION"}


def test_alarms_and_dashboard_show_metrics_that_are_emitted() -> None:
    emitted = set(re.findall(r'"([A-Z]\w+)"', rust("run/metrics.rs")))
    alarms = re.findall(r'namespace +=? "FailureMonitor"\n +metric(?:_name)? += "(\w+)"', (INFRA / "health.tf").read_text())
    text = (INFRA / "dashboard.tf").read_text()
    shown = set(re.findall(r'\["FailureMonitor", "(\w+)"|\[".", "(\w+)"|MetricName=\\"(\w+)', text))
    shown = {name for names in shown for name in names if name}
    assert len(alarms) == 4 and len(shown) >= 6
    assert set(alarms) | shown <= emitted, set(alarms) | shown - emitted


def test_the_table_and_queries_are_those_of_the_program() -> None:
    program = Path(os.environ.get("FAILURE_MONITOR", ROOT / "target" / "debug" / "failure-monitor"))
    assert json.loads(athena.FILE.read_text()) == athena.of_program(program), (
        "FAILURE_MONITOR=target/debug/failure-monitor python -m infra.athena"
    )
    written = (INFRA / "athena.tf").read_text()
    for name, value in athena.properties(program).items():
        assert f'"{name}"' in written, name
        assert value in written or name.endswith(("account.values", "region.values", "template"))


def test_the_readme_tells_the_costs() -> None:
    text = README.read_text()
    assert "\n".join(costs.table()) in text, "\n" + "\n".join(costs.table())
    assert f"prices of {costs.DATE}" in text
    made = (INFRA / "health.tf").read_text()
    rules = len(re.findall(r'(?m)^    [a-z-]+ = \{\n      description', (INFRA / "intake.tf").read_text()))
    alarms = len(re.findall(r"(?m)^      [a-z-]+ = \{\n +text", made)) + rules + 2 + 1
    assert alarms == costs.ALARMS, "monitor-errors, summary-errors and no-data are the rest"


def test_all_resources_are_what_the_style_allows() -> None:
    """Names are nouns without the type, and no resource is on a list of deprecated arguments."""
    for path in INFRA.rglob("*.tf"):
        text = path.read_text()
        for kind, name in re.findall(r'(?m)^resource "aws_(\w+)" "(\w+)"', text):
            assert name == name.lower() and name not in kind.split("_"), f"{path.name}: {kind}.{name}"
        # Deprecated in 6 or absent in 5: the configuration works with both.
        assert not re.search(r"data\.aws_region\.\w+\.(name|region)\b", text), path.name
        assert "global_secondary_index" not in text and "key_schema" not in text


def test_each_skipped_check_has_a_reason() -> None:
    for path in INFRA.rglob("*.tf"):
        for line in path.read_text().splitlines():
            if "checkov:skip" in line:
                assert re.search(r"checkov:skip=CKV2?_AWS_\d+: \w+", line), f"{path.name}: {line}"


def test_checkov_finds_nothing() -> None:
    """Static checks, in a place of their own: they need other versions than the tests."""
    checkov = shutil.which("checkov", path=str(Path(sys.prefix).parent / "checkov" / "bin"))
    checkov = checkov or shutil.which("checkov")
    if not checkov:
        pytest.skip("checkov is not installed")
    done = subprocess.run(
        [checkov, "--directory", INFRA, "--framework", "terraform", "--skip-download", "--compact",
         "--output", "json"],
        capture_output=True, text=True,
    )
    answer = json.loads(done.stdout)
    failed = [
        f"{check['check_id']} {check['resource']}: {check['check_name']}"
        for check in answer["results"]["failed_checks"]
    ]
    assert not failed, "\n".join(failed)
    assert answer["summary"]["passed"] > 200 and answer["summary"]["parsing_errors"] == 0


def test_the_package_script_says_what_is_missing(tmp_path: Path) -> None:
    """Each tool that it needs, taken away in turn."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "dirname", "env", "uname"):
        (tools / tool).symlink_to(shutil.which(tool))

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "infra" / "package"], env={"PATH": str(tools), **more}, capture_output=True,
            text=True,
        )

    assert (run().returncode, "cargo is missing. Install Rust: curl" in run().stderr) == (1, True)
    (tools / "cargo").write_text("#!/bin/sh\nexit 1\n")
    (tools / "cargo").chmod(0o755)
    assert "zip is missing. Install it: apt-get install zip" in run().stderr
    (tools / "zip").symlink_to(tools / "cargo")
    other = run(ARCHITECTURE="arm64").stderr
    assert "Install cargo-lambda: pip3 install cargo-lambda ziglang" in other
    assert "must be x86_64 or arm64, not mips" in run(ARCHITECTURE="mips").stderr


def test_the_package_is_built_by_cargo_lambda_where_that_is_installed(tmp_path: Path) -> None:
    """With what stands in for it: the program is how it was asked for."""
    (tmp_path / "infra").mkdir()
    script = shutil.copy(ROOT / "infra" / "package", tmp_path / "infra" / "package")
    (tmp_path / "bin").mkdir()
    cargo = tmp_path / "bin" / "cargo"
    cargo.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        '"lambda --version") exit 0 ;;\n'
        "*--target-dir*) exit 2 ;;\n"  # As cargo-lambda 1.9 does.
        "esac\n"
        'folder="$CARGO_TARGET_DIR/lambda/bootstrap"\n'
        'mkdir -p "$folder" && echo "$@" "$RUSTFLAGS" >"$folder/bootstrap"\n'
    )
    cargo.chmod(0o755)
    out = tmp_path / "out" / "arm64.zip"
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    subprocess.run(
        [script], check=True, env={"PATH": path, "ARCHITECTURE": "arm64", "OUT": str(out), "HOME": "/home/me"},
    )
    with zipfile.ZipFile(out) as package:
        (entry,) = package.infolist()
        asked = package.read(entry).decode()
    assert entry.filename == "bootstrap" and entry.external_attr >> 16 == 0o100755
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)
    assert asked.startswith("lambda build --locked --profile lambda ")
    assert "--target aarch64-unknown-linux-gnu.2.34" in asked
    assert f"--remap-path-prefix={tmp_path}=. --remap-path-prefix=/home/me/.cargo=cargo" in asked
