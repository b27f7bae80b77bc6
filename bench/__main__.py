"""``python -m bench``: runs the workloads, prints and writes the results."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from bench import workloads
from bench.cases import Case, cases, curves
from bench.limits import limits
from bench.peers import Commands, Peer, find_peers
from bench.process import CommandError, Cost, run
from bench.report import as_text, bar_chart, curve_chart, summary, write_json

PEERS = ("jettison", "docker", "buildah", "podman")


def main() -> int:
    """Measure; return 1 when a limit is missed or a case failed."""
    options = _options()
    work = options.work.absolute()
    workloads.write_all(
        work / "workloads", scale=options.scale, registry=os.environ.get("BENCH_REGISTRY", "")
    )
    _compile_ours()
    peers = find_peers(options.peers.split(","), work)
    wanted = [name for name in options.cases.split(",") if name]
    runs, failed = _measure(peers, work / "workloads", options.runs, wanted)
    by_name = {case.name: case.limit for case in cases(peers[0], work / "workloads")}
    table = summary(runs, by_name)
    sys.stdout.write(as_text(table))
    bounds = limits(work)
    sys.stdout.writelines(f"{name:40}{value:10.3f}\n" for name, value in bounds.items())
    grown = _curves(peers, work / "workloads", options.curves) if options.curves else {}
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        machine = {"kernel": platform.release(), "processors": os.cpu_count()}
        write_json(
            options.out / "results.json",
            machine=machine, runs=runs, summary=table, limits=bounds, curves=grown,
        )  # fmt: skip
        (options.out / "ratios.svg").write_text(bar_chart(table))
        for name, lines in grown.items():
            chart = curve_chart(f"Seconds of a cold build over {name}", lines)
            (options.out / f"{name}.svg").write_text(chart)
    missed = [name for name, row in table.items()
              if "ratio" in row and "limit" in row
              and float(str(row["ratio"])) > float(str(row["limit"]))]  # fmt: skip
    if missed:
        sys.stdout.write(f"limits missed: {', '.join(missed)}\n")
    return 1 if missed or failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("-n", "--runs", type=int, default=5, help="runs of each case (5)")
    parser.add_argument("-p", "--peers", default=",".join(PEERS), help="who is measured")
    parser.add_argument("-c", "--cases", default="", help="like w4,w9-cached (all)")
    parser.add_argument("--scale", type=float, default=1.0, help="size of W4 and W5 (1.0)")
    parser.add_argument("--curves", choices=("small", "normal", "large"), help="measure growth too")
    parser.add_argument("--out", type=Path, help="directory for results.json and pictures")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(".jettison/bench"),
        help="workloads and stores (.jettison/bench)",
    )
    return parser.parse_args()


def _measure(
    peers: list[Peer], root: Path, count: int, wanted: list[str]
) -> tuple[dict[str, dict[str, list[Cost]]], bool]:
    """Run every case of all peers in turns, since machines drift."""
    by_case: dict[str, list[tuple[Peer, Case]]] = {}
    for peer in peers:
        for case in cases(peer, root):
            if not wanted or case.name in wanted or case.name.partition("-")[0] in wanted:
                by_case.setdefault(case.name, []).append((peer, case))
    runs: dict[str, dict[str, list[Cost]]] = {}
    failed = False
    for name, members in by_case.items():
        runs[name] = {peer.name: [] for peer, _ in members}
        for number in range(count):
            for peer, case in members:
                costs = runs[name].get(peer.name)
                if costs is None:
                    continue
                try:
                    if number == 0 and case.once is not None:
                        _run(peer, case.once())
                    case.before()
                    os.sync()
                    costs.append(_run(peer, case.commands()))
                except CommandError as error:
                    sys.stderr.write(f"{peer.name} {name}: {error}\n")
                    runs[name].pop(peer.name)
                    failed = failed or peer.name == "jettison"
        medians = "  ".join(
            f"{peer} {statistics.median(cost.wall for cost in costs):.3f} s"
            for peer, costs in runs[name].items()
        )
        sys.stderr.write(f"{name:14}{medians}\n")
    return runs, failed


def _curves(peers: list[Peer], root: Path, sizes: str) -> dict[str, dict[str, dict[int, float]]]:
    """Measure how cold builds grow; the better of two runs each."""
    grown: dict[str, dict[str, dict[int, float]]] = {}
    for peer in peers:
        if peer.name not in {"jettison", "docker"}:
            continue
        for name, units, case in curves(peer, root, sizes):
            best = float("inf")
            try:
                for _ in range(2):
                    case.before()
                    best = min(best, _run(peer, case.commands()).wall)
            except CommandError as error:
                sys.stderr.write(f"{peer.name} {case.name}: {error}\n")
                continue
            grown.setdefault(name, {}).setdefault(peer.name, {})[units] = best
            sys.stderr.write(f"{peer.name} {case.name}: {best:.3f} s\n")
    return grown


def _run(peer: Peer, commands: Commands) -> Cost:
    """Run the commands of one measurement and add up what they cost."""
    costs = [run(argv, env=peer.env, daemons=peer.daemons) for argv in commands]
    return Cost(
        wall=sum(cost.wall for cost in costs),
        cpu=sum(cost.cpu for cost in costs),
        peak_mib=max(cost.peak_mib for cost in costs),
        others=max(cost.others for cost in costs),
    )


def _compile_ours() -> None:
    """Compile the program's modules, as installing it does; a checkout may lack that."""
    import jettison  # noqa: PLC0415 - only where it is

    directory = os.path.dirname(jettison.__file__)
    subprocess.run([sys.executable, "-m", "compileall", "-q", directory], check=True)


if __name__ == "__main__":
    sys.exit(main())
