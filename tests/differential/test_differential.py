"""Random stages built by BuildKit and by us are the same images, but for known reasons.

Each stage is a build: config, history, all layers' entries and the merged tree are compared.
JETTISON_DIFFERENTIAL_SECONDS bounds the time, JETTISON_DIFFERENTIAL_SEED repeats one run, and
JETTISON_DIFFERENTIAL_REPORT names a file that gets the figures.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from differential.cases import BASE, dockerfile, fill, steps
from differential.images import Image, differences
from differential.lab import Lab

STAGES = int(os.environ.get("JETTISON_DIFFERENTIAL_STAGES", "12"))
SECONDS = float(os.environ.get("JETTISON_DIFFERENTIAL_SECONDS", "60"))
OURS_AT_ONCE = 3
SHRINKING_BUILDS = int(os.environ.get("JETTISON_DIFFERENTIAL_SHRINK", "12"))

Found = dict[str, list[tuple[str, str]]]

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]


def build(lab: Lab, seed: int, targets: dict[str, list[str]], began: int = 0) -> tuple[Found, int]:
    """Build targets with both; return the differences of each, and how many were compared."""
    place = Path(tempfile.mkdtemp(prefix="differential-", dir=os.environ.get("TMPDIR")))
    try:
        # BuildKit updates the copy that it has of a context of this name, but no directory's time.
        context = place / f"context-{place.name}"
        context.mkdir()
        fill(context, random.Random(seed))
        (context / "Dockerfile").write_text(dockerfile(targets))
        began = began or int(time.time()) - 1
        refused = lab.theirs(context, targets, place)
        found: Found = {}
        compared = 0
        if refused and len(targets) > 1:
            return apart(lab, seed, targets, refused, began)
        with ThreadPoolExecutor(OURS_AT_ONCE) as pool:
            ours = pool.map(lambda each: lab.ours(context, each, place, place / "store"), targets)
            told = dict(zip(targets, ours, strict=True))
        for name, said in told.items():
            compared += 1
            if refused or said:
                both = bool(refused) and bool(said)
                found[name] = [] if both else [(f"ours: {said}\nBuildKit: {refused}", "")]
                continue
            images = [Image(place / f"{name}.{who}.tar", began) for who in ("jettison", "buildkit")]
            found[name] = differences(*images)
        return found, compared
    finally:
        shutil.rmtree(place)


def apart(
    lab: Lab, seed: int, targets: dict[str, list[str]], refused: str, began: int
) -> tuple[Found, int]:
    """Build alone what fails all: the targets that BuildKit names, else each."""
    named = set(re.findall(r"target (t[0-9]+): failed", refused)) & targets.keys()
    rest = {name: each for name, each in targets.items() if named and name not in named}
    groups = [{name: targets[name]} for name in targets if name not in rest]
    found: Found = {}
    compared = 0
    for group in [rest, *groups] if rest else groups:
        one, number = build(lab, seed, group, began)
        found |= one
        compared += number
    return found, compared


def shrink(lab: Lab, seed: int, instructions: list[str]) -> list[str]:
    """Leave out instructions as long as a difference stays that nothing explains."""
    left = SHRINKING_BUILDS
    position = len(instructions) - 1
    while position >= 0 and left:
        fewer = instructions[:position] + instructions[position + 1 :]
        left -= 1
        found, _ = build(lab, seed, {"t0": fewer})
        if unexplained(found["t0"]):
            instructions = fewer
        position -= 1
    return instructions


def unexplained(found: list[tuple[str, str]]) -> list[str]:
    return [text for text, reason in found if not reason]


def test_random_stages_are_the_same_images() -> None:
    lab = Lab.find(BASE)
    if lab is None:
        pytest.skip("the lab with BuildKit is not up")
    seed = int(os.environ.get("JETTISON_DIFFERENTIAL_SEED", str(time.time_ns() % 10**9)))
    end = time.monotonic() + SECONDS
    builds = 0
    reasons: Counter[str] = Counter()
    wrong = []
    while time.monotonic() < end or not builds:
        chance = random.Random(seed)
        targets = {f"t{number}": steps(chance) for number in range(STAGES)}
        found, compared = build(lab, seed, targets)
        builds += compared
        for name, each in found.items():
            reasons.update({reason for _, reason in each if reason})
            if unexplained(each):
                text = "\n".join(unexplained(each)[:8])
                small = targets[name] if len(wrong) > 2 else shrink(lab, seed, targets[name])
                wrong.append(f"seed {seed}:\n" + "\n".join(small) + f"\n{text}")
        report = os.environ.get("JETTISON_DIFFERENTIAL_REPORT")
        if report:
            told = {"builds": builds, "reasons": reasons, "unexplained": wrong, "seed": seed}
            Path(report).write_text(json.dumps(told, indent=1))
        seed += 1
    assert not wrong, f"{len(wrong)} of {builds} builds differ\n\n" + "\n\n".join(wrong)
