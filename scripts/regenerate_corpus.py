#!/usr/bin/env python3
"""Makes the goldens of tests/conformance/corpus with a real BuildKit, and says what changed.

    regenerate_corpus.py                  build the cases that are new or were changed
    regenerate_corpus.py --all            build every case again
    regenerate_corpus.py --all --check    write nothing; status 1 if a golden would change
    regenerate_corpus.py build/copy       only these topics

JETTISON_BUILDX (or --buildx) is the command line of a docker whose BuildKit reaches this
machine's loopback device, such as `docker buildx --builder mine`; more options of its builds are
those of JETTISON_BUILDX_OPTIONS, such as `--network=host`. Without it, the docker of the
laboratory beside the project is taken, as by tests/differential. Needs root, a static busybox
and git.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from project_python import enter

enter()

from conformance import box, cases, contexts, images  # noqa: E402 - found through sys.path

ROOT = Path(__file__).resolve().parents[1]

Json = dict[str, Any]

AT_ONCE = 4
TIMEOUT = 120
_NOT_A_RESULT = re.compile(
    r"connection refused|no such host|Cannot connect to the Docker daemon|is down"
)


class BuilderError(Exception):
    """The builder could not be asked, or said what cannot be read."""


def main() -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n")[0], epilog=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("topics", nargs="*", metavar="KIND/TOPIC")
    parser.add_argument("--all", action="store_true", help="also cases that did not change")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument(
        "--buildx", default=os.environ.get("JETTISON_BUILDX", ""), metavar="COMMAND"
    )
    options = os.environ.get("JETTISON_BUILDX_OPTIONS", "")
    parser.add_argument("--options", default=options, metavar="OPTIONS")
    parser.add_argument("--corpus", type=Path, default=cases.CORPUS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    command, build_options = shlex.split(args.buildx), shlex.split(args.options)
    if not command:
        command, build_options = laboratory(), ["--network=host"]
    busybox = shutil.which("busybox")
    if not command or busybox is None or not box.is_static(Path(busybox)):
        lacks = (
            "a static busybox"
            if command
            else "JETTISON_BUILDX, the command line of a docker buildx"
        )
        sys.stderr.write(f"regenerate_corpus: needs {lacks}\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="corpus-") as place:
        Path(place).chmod(0o755)
        builder = Builder(command, build_options, Path(place), busybox)
        try:
            changed = regenerate(builder, args)
        except BuilderError as error:
            sys.stderr.write(f"regenerate_corpus: {error}\n")
            return 2
    return 1 if changed and args.check else 0


def laboratory() -> list[str]:
    """Return the command line of the docker that tests/differential uses, if it is there."""
    for parent in ROOT.parents:
        program = parent / "shared/peers/bin/dk"
        if program.exists():
            return [str(program), "c8d", "buildx"]
    return []


def regenerate(builder: Builder, args: argparse.Namespace) -> bool:
    """Make goldens, and say which differ from those that there were; return whether any does."""
    changed = 0
    written = False
    for kind in cases.KINDS:
        for path in cases.topics(kind, args.corpus):
            if args.topics and f"{kind}/{path.stem}" not in args.topics:
                continue
            before = cases.read_goldens(path)
            after = _goldens(builder, kind, cases.read(path), before, everything=args.all)
            for name in sorted({*before, *after}):
                if (line := _difference(before.get(name), after.get(name))) is not None:
                    changed += 1
                    sys.stdout.write(f"{kind}/{path.stem} {name}: {line}\n")
            if not args.check and before != after:
                _write(path.with_suffix(".json"), after)
                written = True
    if written:
        (args.corpus / "made-with.txt").write_text(builder.version())
    sys.stdout.write(f"{changed} goldens differ from those that there were\n")
    return changed > 0


def _goldens(
    builder: Builder, kind: str, every: list[Json], before: dict[str, Json], *, everything: bool
) -> dict[str, Json]:
    """Return the goldens of a topic; those of unchanged cases are kept unless all are wanted."""

    def one(case: Json) -> Json:
        digest = cases.input_digest(case)
        known = before.get(case["name"])
        if known is not None and known["input"] == digest and not everything:
            return known
        return {"input": digest, "expected": builder.golden(kind, case)}

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip((each["name"] for each in every), pool.map(one, every), strict=True))


def _difference(before: Json | None, after: Json | None) -> str | None:
    """Say how a golden differs, None if it does not; an input that changed is no difference."""
    if before is None or after is None:
        return "is new" if before is None else "is gone"
    old, new = before["expected"], after["expected"]
    if old == new:
        return None
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        return "; ".join(f"{key} was {old.get(key)!r}, is {new.get(key)!r}" for key in keys)
    return f"was {old!r}, is {new!r}"


def _write(path: Path, goldens: dict[str, Json]) -> None:
    """Write goldens, a line each, so that a change is a line of a diff."""
    lines = [
        f"{json.dumps(name)}: {json.dumps(golden, ensure_ascii=False)}"
        for name, golden in goldens.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


class Builder:
    """A BuildKit behind a command line.

    Args:
        command: The command line before `build`.
        options: More options of its builds.
        place: A directory for contexts and results.
        busybox: What the base image is made of.
    """

    def __init__(self, command: list[str], options: list[str], place: Path, busybox: str) -> None:
        self._command = command
        self._options = options
        self._place = place
        self._bases = {box.NAME: box.make(busybox, place / box.NAME)}

    def version(self) -> str:
        """Return a line for each of the versions of the client and of BuildKit."""
        said = [self._say("version"), *self._say("inspect").splitlines()]
        told = [each.strip() for each in said if each.startswith(("BuildKit version", "github"))]
        return "".join(f"{each}\n" for each in told) or "unknown\n"

    def _say(self, *words: str) -> str:
        done = subprocess.run(
            [*self._command, *words], capture_output=True, text=True, check=False, timeout=TIMEOUT
        )
        return done.stdout if done.returncode == 0 else ""

    def golden(self, kind: str, case: Json) -> Json | list[Json]:
        """Return what BuildKit makes of a case.

        Raises:
            BuilderError: It could not be asked.
        """
        # BuildKit keeps what it has of a directory of one name: each case has a new name.
        with tempfile.TemporaryDirectory(prefix=f"{case['name']}-", dir=self._place) as name:
            place = Path(name)
            place.chmod(0o755)
            with contexts.served(case, place / "git") as address:
                if "steps" in case:
                    return self._steps(case, place, address)
                contexts.write_contexts(case, place, address)
                made: dict[str, str] = {}
                for number, before in enumerate(case.get("prereq", ())):
                    folder = place / f"prereq{number}"
                    contexts.write_context(contexts.entries_of(before), folder)
                    layout = place / f"prereq{number}.oci"
                    done = self._build(before, folder, {}, made, place, layout)
                    if done.returncode:
                        raise BuilderError(f"{case['name']}: {done.stderr[-2000:]}")
                    made[before["name"]] = f"oci-layout://{_unpacked(layout)}:latest"
                if kind == "check":
                    return self._check(case, place)
                out = place / "image.tar"
                done = self._build(
                    case, place / "context", case.get("options", {}), made, place, out,
                    "--no-cache",
                )  # fmt: skip
                if done.returncode:
                    return _failure(case, done.stderr, place)
                return images.describe(case, images.Image(out), self._bases)

    def _steps(self, case: Json, place: Path, address: str) -> list[Json]:
        built: list[images.Image | None] = []
        context = place / f"context-{place.name}"
        for number, (entries, options) in enumerate(contexts.steps_of(case, address)):
            shutil.rmtree(context, ignore_errors=True)
            contexts.write_context(entries, context, date=contexts.date_of(case))
            contexts.write_named(options, place, date=contexts.date_of(case))
            out = place / f"image{number}.tar"
            done = self._build(case, context, options, {}, place, out)
            built.append(images.Image(out) if done.returncode == 0 else None)
        return images.describe_steps(case, built)

    def _check(self, case: Json, place: Path) -> Json:
        done = self._build(
            case, place / "context", case.get("options", {}), {}, place, None,
            "--call=lint,format=json",
        )  # fmt: skip
        try:
            told = json.loads(done.stdout)
        except json.JSONDecodeError:
            return _failure(case, done.stderr, place)
        warnings = [
            {
                "rule": each["ruleName"],
                "detail": each["detail"],
                "line": each["location"]["ranges"][0]["start"]["line"],
            }
            for each in told.get("warnings") or ()
        ]
        warnings.sort(key=lambda each: (each["line"], each["rule"], each["detail"]))
        if "buildError" in told:
            place_of_error = (told["buildError"].get("location") or {}).get("ranges") or []
            line = place_of_error[0]["start"]["line"] if place_of_error else None
            message = told["buildError"]["message"]
            return {"error": True, "message": message, "line": line, "warnings": warnings}
        return {"warnings": warnings}

    def _build(
        self,
        case: Json,
        context: Path,
        options: Json,
        made: dict[str, str],
        place: Path,
        out: Path | None,
        *more: str,
    ) -> subprocess.CompletedProcess[str]:
        argv = [*self._command, "build", "--progress=plain", "--provenance=false", *self._options]
        # Cache mounts live longer than a case: each has its own.
        argv += [*more, f"--build-arg=BUILDKIT_CACHE_MOUNT_NS={place.name}"]
        named = {name: f"oci-layout://{layout}:latest" for name, layout in self._bases.items()}
        if re.search(rf"(?i)\bas {box.NAME}\b", case["dockerfile"]):
            named.clear()
        named |= made
        for name, source in options.get("build_contexts", {}).items():
            if "context" in source:
                named[name] = str(place / f"named-{contexts.plain_name(name)}")
            else:
                image = source["image"]
                named[name] = named.get(image) or f"docker-image://{image}"
        argv += [f"--build-context={name}={source}" for name, source in named.items()]
        for flag, key in (("--build-arg", "build_args"), ("--label", "labels")):
            argv += [f"{flag}={name}={text}" for name, text in options.get(key, {}).items()]
        for name, text in options.get("secrets", {}).items():
            (place / f"secret-{name}").write_text(text)
            argv.append(f"--secret=id={name},src={place}/secret-{name}")
        for flag in ("target", "platform"):
            if options.get(flag):
                argv.append(f"--{flag}={options[flag]}")
        if options.get("no_cache"):
            argv.append("--no-cache")
        for stage in options.get("no_cache_filter", ()):
            argv.append(f"--no-cache-filter={stage}")
        file = case.get("dockerfile_arg", case.get("dockerfile_path", ""))
        argv += ["--file", str(context / file)] if file else []
        argv += ["--output", f"type=oci,dest={out}"] if out is not None else []
        environ = {**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "NO_COLOR": "1"}
        try:
            done = subprocess.run(
                [*argv, str(context)], env=environ, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, errors="replace", check=False, timeout=TIMEOUT,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuilderError(f"{case['name']}: {error}") from error
        if (
            done.returncode
            and _NOT_A_RESULT.search(done.stderr)
            and "@HTTP@" not in case["dockerfile"]
        ):
            raise BuilderError(f"{case['name']}: {done.stderr[-2000:]}")
        return done


def _unpacked(archive: Path) -> Path:
    layout = archive.with_suffix(".layout")
    shutil.unpack_archive(archive, layout, "tar")
    return layout


def _failure(case: Json, said: str, place: Path) -> Json:
    """Return the golden of a refused build: BuildKit's message, and the line that it points at."""
    found = re.search(
        r"(?m)^ERROR: (?:failed to build: )?(?:failed to solve: )?(.*(?:\n(?!\w+:).*)*)", said
    )
    if found is None:
        raise BuilderError(f"{case['name']}: no message in {said[-2000:]!r}")
    message = found[1].strip().replace(str(place), "@PLACE@")
    golden: Json = {"error": True, "message": _same_everywhere(message)}
    file = os.path.basename(case.get("dockerfile_path", "Dockerfile"))
    line = re.search(rf"(?m)^{re.escape(file)}:(\d+)$", said)
    if line is not None:
        golden["line"] = int(line[1])
    return golden


def _same_everywhere(message: str) -> str:
    """Return a message without what is another one in each build: addresses, ids, mounts."""
    message = message.removeprefix("failed to run Build function: ")
    message = re.sub(r"http://127\.0\.0\.1:\d+", "@HTTP@", message)
    message = re.sub(r"\bref [0-9a-z]{20,}(::[0-9a-z]+)?:", "ref:", message)
    return re.sub(r"(/[\w.-]+)+/(buildkit-?mount|buildkit)\d+(?=/)", "", message)


if __name__ == "__main__":
    sys.exit(main())
