#!/usr/bin/env python3
"""Fills docs/checks/comparison.md: which of other tools sees which of the defects of tests/checks.

    scripts/compare_checks.py TOOL...    run the tools at these paths, and keep what they say
    scripts/compare_checks.py            write the table again

A TOOL is an executable called `hadolint`, `dive` or `trivy`. Each defect is built, and built again
with its fix; a tool sees it if it says something about the first that it does not say about the
second. What they say is kept in tests/checks/comparison.json; root is needed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from project_python import enter

enter()

import msgspec  # noqa: E402 - found through sys.path, as all below

from checks.rig import Checked, Expected, of_rule  # noqa: E402
from e2e.rig import Jettison, made_bases, store_of_tests  # noqa: E402
from jettison.api.session import Session  # noqa: E402
from jettison.exporter.outputs import DockerOutput  # noqa: E402
from jettison.findings.fix import apply_fix, machine_fixes  # noqa: E402
from jettison.frontend.dockerfile.parser import parse  # noqa: E402
from jettison.lint.runner import check  # noqa: E402
from jettison.settings import Settings  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
DEFECTS = ROOT / "tests" / "checks" / "defects"
DATA = ROOT / "tests" / "checks" / "comparison.json"
PAGE = ROOT / "docs" / "checks" / "comparison.md"
TOOLS = ("docker", "hadolint", "trivy", "dive")
BEGIN, END = "<!-- made by scripts/compare_checks.py -->\n", "<!-- end -->\n"

if TYPE_CHECKING:
    Said = Counter[str]
    Tool = Callable[[Path, Path], Said]
    """Gets a folder with a Dockerfile and the archive of an image."""


def main() -> None:
    """Run the tools if there are any; write the table."""
    if len(sys.argv) > 1:
        DATA.write_text(json.dumps(measured(sys.argv[1:]), indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(PAGE.read_text(), json.loads(DATA.read_text())))


def measured(programs: list[str]) -> dict[str, Any]:
    """Return versions of tools, and by defect what each says of it that its fix ends."""
    runs = {"hadolint": of_hadolint, "trivy": of_trivy, "dive": of_dive}
    tools: dict[str, Tool] = {"docker": of_docker}
    versions = {}
    for program in programs:
        name = Path(program).name
        tools[name] = bound(runs[name], program)
        versions[name] = re.findall(r"\d+\.\d+\.\d+", output([program, "--version"]))[0]
    rows = {}
    with (
        tempfile.TemporaryDirectory() as place,
        Session.open(Settings(root=str(store_of_tests())), os.environ) as session,
    ):
        bases = Jettison(store_of_tests())
        checked = Checked(
            session, lambda *names: made_bases(bases, *names), shutil.which("busybox") or ""
        )
        for folder in sorted(path.parent for path in DEFECTS.glob("*/expect.json")):
            copy = Path(shutil.copytree(folder, Path(place) / folder.name, symlinks=True))
            rows[folder.name] = of_defect(checked, copy, tools)
    return {"versions": versions, "defects": rows}


def of_defect(checked: Checked, folder: Path, tools: Mapping[str, Tool]) -> dict[str, Any]:
    """Return what tools say of a defect and not of the same with its fix."""
    wanted = msgspec.json.decode((folder / "expect.json").read_bytes(), type=Expected)
    (folder / "expect.json").unlink()
    text = (folder / "Dockerfile").read_text()
    bad, good = (folder.with_name(f"{folder.name}.{kind}.tar") for kind in ("bad", "good"))
    options = {**wanted.options, "progress": "quiet"}
    _, built = checked.build(folder, outputs=[DockerOutput(dest=str(bad))], **options)
    found = [
        each
        for each in of_rule(built.findings, wanted.rule)
        if (each.line, each.path) == (wanted.line, wanted.path)
    ]
    by_hand = folder / "Fixed.Dockerfile"
    if by_hand.exists():
        fixed = by_hand.read_text()
        by_hand.unlink()
    else:
        fixed = apply_fix(text, machine_fixes(found[0].fixes)[0])
    checked.build(folder, fixed, outputs=[DockerOutput(dest=str(good))], **options)
    said = {}
    for name, run in tools.items():
        told = run(folder, bad)
        if told:
            (folder / "Dockerfile").write_text(fixed)
            told -= run(folder, good)
            (folder / "Dockerfile").write_text(text)
        said[name] = sorted(told)
    bad.unlink()
    good.unlink()
    return {"rule": wanted.rule, "severity": wanted.severity, "said": said}


def of_docker(folder: Path, _archive: Path) -> Said:
    """Return what docker's rules say: ours of the same names, as tests/conformance compares."""
    found = check(parse((folder / "Dockerfile").read_bytes()))
    return Counter(each.rule for each in found if not re.fullmatch(r"MS\d+", each.rule))


def of_hadolint(program: str, folder: Path, _archive: Path) -> Said:
    """Return the codes of hadolint, ShellCheck's among them."""
    found = json.loads(output([program, "-f", "json", "--no-fail", str(folder / "Dockerfile")]))
    return Counter(each["code"] for each in found)


def of_trivy(program: str, folder: Path, archive: Path) -> Said:
    """Return misconfigurations of the text, and secrets in the image."""
    form = ("--format", "json", "--quiet")
    config = [program, "config", *form, "--skip-check-update", str(folder)]
    image = [program, "image", *form, "--input", str(archive), "--scanners", "secret"]
    image += ["--image-config-scanners", "secret", "--skip-db-update", "--offline-scan"]
    said: Said = Counter()
    for command in (config, image):
        for result in json.loads(output(command)).get("Results") or ():
            said.update(each["ID"] for each in result.get("Misconfigurations") or ())
            said.update(each["RuleID"] for each in result.get("Secrets") or ())
    return said


def of_dive(program: str, _folder: Path, archive: Path) -> Said:
    """Return the rules that fail with dive's own limits."""
    text = output([program, "--source", "docker-archive", str(archive)], {"CI": "true"})
    return Counter(re.findall(r"FAIL(?:\x1b\[0m)?: (\w+)", text))


def bound(run: Callable[[str, Path, Path], Said], program: str) -> Tool:
    """Return a tool that runs a program."""
    return lambda folder, archive: run(program, folder, archive)


def output(command: list[str], environ: Mapping[str, str] = {}) -> str:
    """Return what a program writes to standard output, whatever its status."""
    environment = {**os.environ, **environ}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout


def page(text: str, data: Mapping[str, Any]) -> str:
    """Return the page with its table made anew."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table(data["defects"]) + END + rest.partition(END)[2]


def table(defects: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how many defects each tool sees, and a row for each defect."""
    seen = {name: sum(bool(row["said"].get(name)) for row in defects.values()) for name in TOOLS}
    parts = [
        "| | Jettison | docker | hadolint | Trivy | dive |\n|---|---|---|---|---|---|\n",
        f"| seen, of {len(defects)} | {len(defects)} |",
        "".join(f" {seen[name]} |" for name in TOOLS) + "\n",
    ]
    for name, row in sorted(defects.items(), key=lambda each: each[1]["rule"]):
        rule = row["rule"]
        title = name.partition("-")[2].replace("-", " ")
        ours = f"[{rule}]({rule.lower()}.md)"
        if not (PAGE.parent / f"{rule.lower()}.md").exists():
            ours = rule  # a rule of the text
        cells = [", ".join(row["said"].get(tool, [])) for tool in TOOLS]
        parts.append(f"| {title} | {ours}, {row['severity']} | {' | '.join(cells)} |\n")
    return "".join(parts)


if __name__ == "__main__":
    main()
