"""``python -m bench``: runs the workloads in turns, prints and writes the results."""

from __future__ import annotations

import argparse
import datetime as dt
import math
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench import workloads
from bench.measure import Measurement
from bench.peers import Jettison, Peer, find_peers, pids_of
from bench.plot import bar_chart, growth_figure
from bench.process import CommandError, Runner
from bench.report import as_text, missed, write_between_marks
from bench.results import Journal, Machine, Results, results_of

_PEERS = ("jettison", "docker", "buildah", "podman")


def main() -> int:
    """Measure; return 1 when a limit is missed, 130 when it was interrupted."""
    options = _options()
    status = 0
    if options.results:
        kept = msgspec.json.decode(options.results.read_bytes(), type=Results)
        results = results_of(kept.records)
    else:
        work = options.work.absolute()
        (work / "out").mkdir(parents=True, exist_ok=True)
        journal = Journal(work / "journal.jsonl", resume=options.resume)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            _measure(options, work, journal)
        except KeyboardInterrupt:
            sys.stderr.write("interrupted; `--resume` goes on with what is missing\n")
            status = 130
        results = results_of(journal.records)
    sys.stdout.write(as_text(results))
    _write(options, results)
    for line in missed(results):
        sys.stdout.write(f"missed: {line}\n")
        status = status or 1
    return status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("-n", "--runs", type=int, default=5, help="runs of each case (5)")
    add("-c", "--cases", default="", help="like w4,w9-cached (all)")
    add(
        "-p",
        "--peer",
        action="append",
        metavar="NAME[=COMMAND]",
        help="who is measured: a name that begins with jettison, docker, buildah or podman",
    )
    add(
        "-d",
        "--daemon",
        action="append",
        default=[],
        metavar="NAME=PIDFILE",
        help="a peer's daemon, so that its work counts; `registry=…`: that it does not",
    )
    add(
        "--registry",
        default="",
        metavar="HOST:PORT",
        help="registry without TLS that has base images below library/ and takes pushes",
    )
    add(
        "--empty-stores",
        action="store_true",
        help="let W7 remove ALL images, containers and caches of the docker daemons",
    )
    add("--wait", type=float, default=30, help="seconds to wait for a quiet machine (30)")
    add(
        "--budget",
        type=float,
        default=math.inf,
        metavar="SECONDS",
        help="buildah and podman get no more runs of a case that took them longer than this",
    )
    add("--timeout", type=float, default=1800, help="seconds that a command may take (1800)")
    add(
        "--curves",
        type=float,
        nargs="?",
        const=1.0,
        default=0.0,
        metavar="SCALE",
        help="measure growth, too; with sizes multiplied by this (1)",
    )
    add("--no-limits", dest="limits", action="store_false", help="leave the machine's limits out")
    add("--scale", type=float, default=1.0, help="size of W4 and W5 (1.0)")
    add(
        "--work",
        type=Path,
        default=Path(".jettison/bench"),
        help="workloads, stores and the journal (.jettison/bench)",
    )
    add("--resume", action="store_true", help="keep what an earlier measurement has, do the rest")
    add("--out", type=Path, help="directory for results.json and pictures")
    add("--docs", type=Path, metavar="PAGE", help="page whose generated part is replaced")
    add("--results", type=Path, metavar="FILE", help="measure nothing, show this results.json")
    return parser.parse_args()


def _measure(options: argparse.Namespace, work: Path, journal: Journal) -> None:
    try:
        registries = [each for each in options.daemon if each.startswith("registry=")]
        bystanders = tuple(pid for each in registries for pid in pids_of(each)[1])
        runner = Runner(work / "output.log", options.timeout, options.wait, bystanders)
        found = find_peers(
            options.peer or _PEERS, options.daemon,
            runner=runner, work=work, registry=options.registry,
        )  # fmt: skip
        peers = sorted(found, key=lambda peer: not isinstance(peer, Jettison))
    except ValueError as error:
        raise SystemExit(f"bench: {error}") from error
    if not peers:
        raise SystemExit("bench: nobody is there to be measured")
    for peer in peers:
        if peer.name.startswith("docker") and not peer.daemons:
            sys.stderr.write(f"{peer.name}: only its client's CPU time counts: no --daemon\n")
    root = work / "workloads"
    workloads.write_all(root, scale=options.scale, registry=options.registry)
    _compile_ours()
    journal.add(_machine(peers))
    measurement = Measurement(peers, root, runner, journal)
    measurement.prepare()
    if options.limits:
        measurement.limits()
    measurement.cases(
        [name for name in options.cases.split(",") if name],
        options.runs,
        empty=options.empty_stores,
        budget=options.budget,
    )
    if options.curves:
        measurement.curves(work / "curves", options.curves)


def _machine(peers: Sequence[Peer]) -> Machine:
    versions = {}
    for peer in peers:
        try:
            versions[peer.name] = peer.version()
        except CommandError as error:
            versions[peer.name] = f"unknown: {error}"
    now = dt.datetime.now(dt.UTC)
    return Machine(
        platform.release(), os.cpu_count() or 1, now.strftime("%Y-%m-%d %H:%M UTC"), versions
    )


def _write(options: argparse.Namespace, results: Results) -> None:
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(results), indent=1)
        (options.out / "results.json").write_bytes(text + b"\n")
        (options.out / "ratios.svg").write_text(bar_chart(results.rows))
        if results.points:
            (options.out / "growth.svg").write_text(growth_figure(results.points))
    if options.docs:
        write_between_marks(options.docs, as_text(results))


def _compile_ours() -> None:
    """Compile the program's modules, as installing it does; a checkout may lack that."""
    import jettison  # noqa: PLC0415 - only where it is

    directory = os.path.dirname(jettison.__file__)
    subprocess.run([sys.executable, "-m", "compileall", "-q", directory], check=True)


if __name__ == "__main__":
    sys.exit(main())
