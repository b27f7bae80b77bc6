"""What checks and a first report cost: the same builds with and without them, in turns.

In:  a directory for stores, best one in memory; how many rounds.
Out: a table: medians of wall and processor time, and of the difference to the build without.

    python -m bench.checks.costs [--work DIRECTORY] [--rounds N]

The image has 24,000 files, of which 1,000 are programs and libraries of this machine, which load,
and the others 24 MB of text, copied through two stages: all of it is new to the build, so that no
file is left out as that of a base. ``cold``: nothing is in the cache; ``last layer``: one small
file of the last layer has changed; ``cached``: nothing has.
"""

from __future__ import annotations

import argparse
import compileall
import glob
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jettison.analysis.elf.parse import parse

ROOT = Path(__file__).resolve().parents[2]
FILES, PROGRAMS = 24_000, 1_000
DOCKERFILE = """\
FROM scratch AS b
COPY tree /
FROM scratch
COPY --from=b /usr /usr
COPY --from=b /lib64 /lib64
COPY --from=b /app /app
COPY last /last
CMD ["/usr/bin/true"]
"""
_PLACES = ("/usr/bin", "/usr/sbin", *sorted(glob.glob("/usr/lib/*-linux-gnu*")))
CASES = {
    "neither": ("--no-checks", "--report=none"),
    "checks": ("--report=none",),
    "report": ("--no-checks", "--report=brief"),
    "both": ("--report=brief",),
}


class Cost(NamedTuple):
    """Seconds on the clock and of processors, and MiB of memory at most."""

    wall: float
    cpu: float
    peak: int


def main() -> None:
    """Measure, and print the table."""
    compileall.compile_dir(ROOT / "src", quiet=1)  # where PYTHONDONTWRITEBYTECODE is set
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=None)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="jettison-costs-", dir=options.work))
    try:
        context = make_context(work / "context")
        say(f"{'':<12}{'case':<10}{'wall':>9}{'more':>9}{'cpu':>9}{'more':>9}{'peak':>9}")
        for kind in ("cold", "last layer", "cached"):
            show(kind, measure(kind, context, work, options.rounds))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def make_context(context: Path) -> Path:
    """Write the context; the programs are found in this machine's usual directories."""
    tree = context / "tree"
    for path in _programs():
        _take(path, tree)
    for place in _PLACES:
        (tree / place[1:]).mkdir(parents=True, exist_ok=True)
        for link in Path(place).iterdir():
            beside = tree / place[1:] / Path(os.path.realpath(link)).name
            if link.is_symlink() and beside.is_file():
                (tree / place[1:] / link.name).symlink_to(beside.name)
    (tree / "lib64").mkdir()
    for loader in glob.glob("/lib*/ld-linux*.so.*"):
        (tree / "lib64" / Path(loader).name).symlink_to(os.path.realpath(loader))
    for number in range(FILES - PROGRAMS):
        place = tree / "app" / f"d{number // 100}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"f{number}").write_text(f"{number}\n" * (1 + number * 7919 % 360))
    (context / "last").write_text("0")
    (context / "Dockerfile").write_text(DOCKERFILE)
    return context


def _programs() -> list[Path]:
    """Return the files that are taken, links left out: the smallest, with all that they load."""
    files = sorted(
        (path.stat().st_size, path)
        for place in _PLACES
        for path in Path(place).iterdir()
        if path.is_file() and not path.is_symlink()
    )
    found = _loaded(Path("/usr/bin/true")) or {}
    for _, path in files:
        loaded = _loaded(path)
        if loaded is not None and len(found.keys() | loaded.keys()) <= PROGRAMS:
            found.update(loaded)
        if len(found) == PROGRAMS:
            break
    return list(found)


def _loaded(path: Path) -> dict[Path, None] | None:
    """Return an ELF file and the libraries that it loads; None if some are elsewhere."""
    found = {path: None}
    pending = [path]
    for each in pending:
        with each.open("rb") as file:
            elf = parse(file.fileno())
        if elf is None or not elf.is_dynamic or elf.runpath:
            return None
        for name in elf.needed:
            places = (Path(place, name) for place in _PLACES)
            library = next((each for each in places if each.exists()), None)
            if library is None:
                return None
            if library.resolve() not in found:
                found[library.resolve()] = None
                pending.append(library.resolve())
    return found


def _take(path: Path, tree: Path) -> None:
    target = tree / str(path)[1:]
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)


def measure(kind: str, context: Path, work: Path, rounds: int) -> dict[str, list[Cost]]:
    """Return what each case cost in each round; the order of cases changes."""
    found: dict[str, list[Cost]] = {name: [] for name in CASES}
    for number in range(rounds + 1):
        for name in list(CASES) if number % 2 else reversed(list(CASES)):
            store = work / f"store-{name}"
            if kind == "cold":
                shutil.rmtree(store, ignore_errors=True)
            if kind == "last layer":
                (context / "last").write_text(f"{number} {name}")
            cost = build(context, store, CASES[name])
            if number:  # the first round warms the disk cache, and fills stores
                found[name].append(cost)
    return found


def build(context: Path, store: Path, flags: Sequence[str]) -> Cost:
    """Build, and return what it cost."""
    environ = {**os.environ, "JETTISON_ROOT": str(store), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "jettison", "build", "-q", "-t", "costs", *flags, str(context)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a build ended with {process.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, usage.ru_maxrss >> 10)


def show(kind: str, found: dict[str, list[Cost]]) -> None:
    """Print the medians of a kind, and of what each round cost more than without."""
    base = found["neither"]
    for name, costs in found.items():
        wall = statistics.median(each.wall for each in costs)
        cpu = statistics.median(each.cpu for each in costs)
        pairs = list(zip(costs, base, strict=True))
        more_wall = statistics.median(one.wall - other.wall for one, other in pairs)
        more_cpu = statistics.median(one.cpu - other.cpu for one, other in pairs)
        peak = max(each.peak for each in costs)
        say(
            f"{kind:<12}{name:<10}{wall * 1e3:7.0f}ms{more_wall * 1e3:7.0f}ms"
            f"{cpu * 1e3:7.0f}ms{more_cpu * 1e3:7.0f}ms{peak:6} MB"
        )


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
