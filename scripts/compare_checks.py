#!/usr/bin/env python3
"""Fills docs/checks/comparison.md: which of other tools sees which of the defects of tests/checks.

    scripts/compare_checks.py DIR HADOLINT TRIVY DIVE    build into DIR what is not there, run these
    scripts/compare_checks.py                            write the table again

Each defect is built, and built again with its fix; a tool sees it if it says something about the
first that it does not say about the second. What they say is kept in tests/checks/comparison.json;
root is needed.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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

Said = Counter[str]
_LARGEST = 1 << 20


def main() -> None:
    """Run the tools if there are any; write the table."""
    if len(sys.argv) > 1:
        place, *programs = sys.argv[1:]
        make(Path(place))
        DATA.write_text(
            json.dumps(measured(Path(place), programs), indent=1, sort_keys=True) + "\n"
        )
    PAGE.write_text(page(PAGE.read_text(), json.loads(DATA.read_text())))


def make(place: Path) -> None:
    """Build each defect, and it with its fix: Dockerfile, archive, files of each layer."""
    busybox = shutil.which("busybox") or ""
    with Session.open(Settings(root=str(store_of_tests())), os.environ) as session:
        bases = Jettison(store_of_tests())
        checked = Checked(session, lambda *names: made_bases(bases, *names), busybox)
        for folder in sorted(path.parent for path in DEFECTS.glob("*/expect.json")):
            done = place / folder.name / "done"
            if not done.exists():
                shutil.rmtree(done.parent, ignore_errors=True)
                done.parent.mkdir(parents=True)
                make_both(checked, folder, done.parent)
                done.touch()


def make_both(checked: Checked, defect: Path, place: Path) -> None:
    """Build a defect, and it with its fix, into ``bad`` and ``good``."""
    wanted = msgspec.json.decode((defect / "expect.json").read_bytes(), type=Expected)
    folder = Path(shutil.copytree(defect, place / "context", symlinks=True))
    text = (folder / "Dockerfile").read_text()
    by_hand = folder / "Fixed.Dockerfile"
    fixed = by_hand.read_text() if by_hand.exists() else ""
    for name in ("expect.json", "Fixed.Dockerfile"):
        (folder / name).unlink(missing_ok=True)
    for kind in ("bad", "good"):
        (place / kind).mkdir()
        (place / kind / "Dockerfile").write_text(text if kind == "bad" else fixed)
        (folder / "Dockerfile").write_text(text if kind == "bad" else fixed)
        archive = place / f"{kind}.tar"
        outputs = [DockerOutput(dest=str(archive), compression="uncompressed")]
        options = {**wanted.options, "outputs": outputs, "progress": "quiet"}
        _, built = checked.build(folder, **options)
        if kind == "bad" and not fixed:
            found = [
                each
                for each in of_rule(built.findings, wanted.rule)
                if (each.line, each.path) == (wanted.line, wanted.path)
            ]
            fixed = apply_fix(text, machine_fixes(found[0].fixes)[0])
    unpack_layers(place)
    shutil.rmtree(folder)
    (place / "rule.json").write_text(json.dumps([wanted.rule, wanted.severity]))


def unpack_layers(place: Path) -> None:
    """Write the regular files of the layers that only one of the two images has."""
    names = {}
    for kind in ("bad", "good"):
        with tarfile.open(place / f"{kind}.tar") as image:
            manifest = image.extractfile("manifest.json") or io.BytesIO()
            names[kind] = json.load(manifest)[0]["Layers"]
    for kind, other in (("bad", "good"), ("good", "bad")):
        with tarfile.open(place / f"{kind}.tar") as image:
            for number, name in enumerate(names[kind]):
                if name not in names[other]:
                    unpack_layer(image, name, place / kind / f"layer{number}")


def unpack_layer(image: tarfile.TarFile, name: str, place: Path) -> None:
    """Write the regular files of a layer, those that may hold a secret."""
    with tarfile.open(fileobj=image.extractfile(name)) as layer:
        for each in layer:
            if each.isfile() and each.size < _LARGEST:
                target = place / each.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((layer.extractfile(each) or io.BytesIO()).read())


def measured(place: Path, programs: list[str]) -> dict[str, Any]:
    """Return versions of tools, and by defect what each says of it that its fix ends."""
    paths = {Path(each).name: each for each in programs}
    names = sorted(done.parent.name for done in place.glob("*/done"))
    said: dict[str, dict[str, Said]] = {"docker": {}, "hadolint": {}, "dive": {}}
    for name in names:
        for kind in ("bad", "good"):
            key, folder = f"{name}/{kind}", place / name / kind
            said["docker"][key] = of_docker(folder)
            said["hadolint"][key] = of_hadolint(paths["hadolint"], folder)
            said["dive"][key] = of_dive(paths["dive"], folder.with_suffix(".tar"))
    said["trivy"] = of_trivy(paths["trivy"], place)
    versions = {
        name: re.findall(r"\d+\.\d+\.\d+", output([path, "--version"]))[0]
        for name, path in paths.items()
    }
    rows = {}
    for name in names:
        rule, severity = json.loads((place / name / "rule.json").read_text())
        only = {
            tool: sorted(told.get(f"{name}/bad", Counter()) - told.get(f"{name}/good", Counter()))
            for tool, told in said.items()
        }
        if "--exclude" in (place / name / "good" / "Dockerfile").read_text():
            # Trivy's parser does not know that flag, and then says nothing of the text.
            only["trivy"] = [each for each in only["trivy"] if not each.startswith("DS")]
        rows[name] = {"rule": rule, "severity": severity, "said": only}
    return {"versions": versions, "defects": rows}


def of_docker(folder: Path) -> Said:
    """Return what docker's rules say: ours of the same names, as tests/conformance compares."""
    found = check(parse((folder / "Dockerfile").read_bytes()))
    return Counter(each.rule for each in found if not re.fullmatch(r"MS\d+", each.rule))


def of_hadolint(program: str, folder: Path) -> Said:
    """Return the codes of hadolint, ShellCheck's among them."""
    found = json.loads(output([program, "-f", "json", "--no-fail", str(folder / "Dockerfile")]))
    return Counter(each["code"] for each in found)


def of_trivy(program: str, place: Path) -> dict[str, Said]:
    """Return misconfigurations of the texts, and secrets in the files of the layers, by folder."""
    said: dict[str, Said] = {}
    form = ("--format", "json", "--quiet", "--skip-check-update", "--offline-scan")
    form += ("--skip-files", "**/*.tar")
    found = json.loads(output([program, "fs", *form, "--scanners", "misconfig,secret", str(place)]))
    for result in found.get("Results") or ():
        name, kind, *_ = result["Target"].split("/")
        told = said.setdefault(f"{name}/{kind}", Counter())
        told.update(each["ID"] for each in result.get("Misconfigurations") or ())
        told.update(each["RuleID"] for each in result.get("Secrets") or ())
    return said


def of_dive(program: str, archive: Path) -> Said:
    """Return the rules that fail with dive's own limits."""
    text = output([program, "--source", "docker-archive", str(archive)], {"CI": "true"})
    return Counter(re.findall(r"FAIL(?:\x1b\[0m)?: (\w+)", text))


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
