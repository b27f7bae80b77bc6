"""Reports for the tests of renderers: one with something of everything, a large one, a hostile one.

In:  nothing.
Out: values of ``Report`` whose numbers agree with each other where renderers add them up.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from functools import cache

import msgspec

from jettison.report.contents import (
    CacheLeft,
    Duplicate,
    Origin,
    Package,
    Surface,
    SurfaceChange,
    Waste,
)
from jettison.report.model import (
    BaseImage,
    Cache,
    Counterfactual,
    Crossing,
    Dockerfile,
    Image,
    Layer,
    LeftBehind,
    Report,
    Stage,
    Step,
    Why,
)
from jettison.report.tree import File, tree_of
from jettison.report.verdict import Baseline, Budget, Cause, Delta, Finding, Fix, Gate

SOURCE = """\
FROM node:20 AS deps
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:20 AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
\tCOPY . .
RUN npm run build

FROM build AS test
RUN npm test

FROM node:20-slim
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=busybox:musl /bin/busybox /bin/busybox
RUN chown -R node /app
"""


def files() -> list[File]:
    """Return the files of the sample: of the base image, of three stages and of another image."""
    base = [("/usr/local/bin/node", 98_000_000), ("/usr/lib/x86_64-linux-gnu/libc.so.6", 1_900_000)]
    base += [(f"/usr/share/doc/p{n}/copyright", 3_000 + n) for n in range(8)]
    made = [File(path, "file", size, 0) for path, size in base]
    made += [
        File(f"/app/node_modules/m{n % 4}/lib/f{n}.js", "file", 55_000 * (n + 1), 1, 18)
        for n in range(24)
    ]
    made += [File(f"/app/dist/chunk{n}.js", "file", 40_000, 2, 19) for n in range(6)]
    made.append(File("/bin/busybox", "file", 1_100_000, 3, 20))
    made.append(File("/bin/sh", "link", 0, 0))
    return made


@cache
def sample() -> Report:
    """Return a report with something of everything, findings and an exceeded limit among it."""
    return report_of(
        files(),
        (
            Origin("node:20-slim", 3, True, 0, 0),
            Origin("deps", 0, False, 0, 0),
            Origin("build", 1, False, 0, 0),
            Origin("busybox:musl", 3, True, 0, 0),
        ),
    )


def report_of(files: Iterable[File], origins: tuple[Origin, ...]) -> Report:
    """Return the sample with other files."""
    held: Counter[int] = Counter()
    counts: Counter[int] = Counter()
    tree = tree_of(_counted(files, held, counts))
    origins = tuple(
        msgspec.structs.replace(origin, bytes=held[n], files=counts[n])
        for n, origin in enumerate(origins)
    )
    shipped = tree.bytes + held[1]
    return Report(
        _image(shipped, tree.bytes, tree.files, held),
        _stages(held),
        Cache(11, 8, 52.4, ("test",)),
        "1.2",
        seconds=9.6,
        crossings=(
            Crossing("deps", "final", "/app/node_modules", "/app/node_modules", held[1], 24, 18),
            Crossing("build", "final", "/app/dist", "/app/dist", held[2], 6, 19),
            Crossing("busybox:musl", "final", "/bin/busybox", "/bin/busybox", held[3], 1, 20),
        ),
        left_behind=(
            LeftBehind("build", "base image", 300_000_000),
            LeftBehind("build", "npm cache", 41_000_000),
            LeftBehind("build", "/app/node_modules", 38_000_000),
        ),
        counterfactual=Counterfactual(
            "computed",
            "ship `build` and what `final` adds itself",
            "build",
            420_000_000,
            1 - shipped / 420_000_000,
        ),
        surface=_surface(),
        waste=(
            Waste("/app", held[1], 24, "final/2", 18, "final/5", 21, "metadata"),
            Waste("/var/lib/apt/lists", 900, 4, "base", 0, "final/5", 21, "delete"),
        ),
        duplicates=(Duplicate("sha256:d1", 9_000, 3, ("/app/a.js", "/app/b.js", "/app/c.js")),),
        caches_left=(CacheLeft("npm", "/root/.npm", 4_000_000, 310),),
        packages=(
            Package("npm", "fastify", "4.28.1", 2_500_000, 338, True, True),
            Package("deb", "libc6", "2.36-9+deb12u8", 13_000_000, 90, True, True),
            Package("npm", "typescript", "5.6.3", 22_000_000, 120, True, False),
        ),
        origins=origins,
        tree=tree,
        findings=(
            Finding("MS201", "error", "`dist` is not in `build`", 19, "/app/dist"),
            Finding("MS507", "warning", "runs as root", fix=Fix("append", "USER node")),
            Finding("MS701", "info", "copies more than is needed", 10),
        ),
        budget=_budget(shipped),
        baseline=Baseline(
            "app:main", "sha256:00", shipped - 5000, Delta(5000, None, -200, 3, 0, 1)
        ),
        dockerfile=Dockerfile("Dockerfile", SOURCE),
    )


@cache
def large(count: int = 24_000) -> Report:
    """Return the report of an image of so many files."""
    chance = random.Random(24)
    words = ["lib", "share", "python3", "site-packages", "node_modules", "include", "locale", "src"]
    words += [f"package-{n:03}" for n in range(200)]
    places = [
        "/usr/" + "/".join(chance.choices(words, k=chance.randint(2, 7))) for _ in range(2600)
    ]
    made = [
        File(
            f"{chance.choice(places)}/a_file_of_an_image_{n}.py",
            "file",
            int(chance.paretovariate(0.9) * 900),
            n % 7,
            n % 7 and 17 + n % 7,
        )
        for n in range(count)
    ]
    origins = [Origin("golang:1.23-bookworm", 1, True, 0, 0)]
    origins += [Origin(f"stage-{n}", n, False, 0, 0) for n in range(6)]
    report = report_of(made, tuple(origins))
    packages = [
        Package(
            "deb",
            f"lib{chance.choice(words)}{n}",
            f"1:{n}.2-3+deb12u1",
            n * 1000,
            n,
            True,
            n % 3 > 0,
        )
        for n in range(900)
    ]
    return msgspec.structs.replace(report, packages=tuple(packages))


def _counted(files: Iterable[File], held: Counter[int], counts: Counter[int]) -> Iterable[File]:
    for file in files:
        held[file.origin] += file.bytes
        counts[file.origin] += 1
        yield file


def _image(shipped: int, visible: int, count: int, held: Counter[int]) -> Image:
    layers = (
        Layer("sha256:a0", "", "", 0, "node:20-slim", True, held[0], held[0], 11, held[0] // 3),
        Layer("sha256:a2", "final/2", "final", 18, "COPY --from=deps /app/node_modules ./node_modules", False, held[1], 0, 24, held[1] // 3, True, 0.2),
        Layer("sha256:a3", "final/3", "final", 19, "COPY --from=build /app/dist ./dist", False, held[2], held[2], 6, 40_000, False, 0.1),
        Layer("sha256:a4", "final/4", "final", 20, "COPY --from=busybox:musl /bin/busybox /bin/busybox", False, held[3], held[3], 1, 500_000, True, 0.1),
        Layer("sha256:a5", "final/5", "final", 21, "RUN chown -R node /app", False, held[1], held[1], 30, None, False, 0.4),
    )  # fmt: skip
    wasted = shipped - visible
    return Image(
        "registry.example.com/team/app:1.4", "sha256:" + "4be19c07" * 8, "sha256:" + "aa" * 32,
        "linux/amd64", "", shipped, shipped // 3, held[1] // 3, visible, count, wasted,
        visible / shipped if shipped else 1.0, layers,
    )  # fmt: skip


def _stages(held: Counter[int]) -> tuple[Stage, ...]:
    base = BaseImage("node:20", None, 300_000_000, 12_000)
    same = Why("input", "line 10 made other files", "build/4")
    return (
        Stage(0, "deps", base, True, False, 302_500_000, 12_024, held[1] + 90_000, held[1], 90_000, produced=held[1], seconds=4.2, steps=(
            Step("deps/1", 2, "WORKDIR /app", True, None, 0, 1, 0.0),
            Step("deps/2", 3, "COPY package.json package-lock.json ./", True, None, 28_000, 2, 0.1),
            Step("deps/3", 4, "RUN npm ci --omit=dev", True, None, held[1] + 62_000, 24, 4.1),
        )),
        Stage(1, "build", base, True, False, 380_000_000, 15_000, 80_000_000, held[2], 80_000_000 - held[2], produced=held[2], via=("final",), seconds=51.0, steps=(
            Step("build/1", 7, "WORKDIR /app", True, None, 0, 1, 0.0),
            Step("build/2", 8, "COPY package.json package-lock.json ./", True, None, 28_000, 2, 0.1),
            Step("build/3", 9, "RUN npm ci", True, None, 79_000_000, 2_900, 41.2),
            Step("build/4", 10, "COPY . .", False, Why("file-content", "`src/index.ts` has other content", "build/4", ("src/index.ts",), "copy package*.json first"), 600_000, 40, 0.2),
            Step("build/5", 11, "RUN npm run build", False, same, held[2], 6, 9.0),
        )),
        Stage(2, "test", BaseImage("build", 1), False, False),
        Stage(3, "final", BaseImage("node:20-slim", None, held[0], 11), True, True, held[0] + held[1], 42, held[1], held[1], 0, produced=0, reached_base=held[0], seconds=0.8, steps=(
            Step("final/1", 17, "WORKDIR /app", True, None, 0, 1, 0.0),
            Step("final/2", 18, "COPY --from=deps /app/node_modules ./node_modules", True, None, held[1], 24, 0.2),
            Step("final/3", 19, "COPY --from=build /app/dist ./dist", False, same, held[2], 6, 0.1),
            Step("final/4", 20, "COPY --from=busybox:musl /bin/busybox /bin/busybox", True, None, held[3], 1, 0.1),
            Step("final/5", 21, "RUN chown -R node /app", False, same, held[1], 30, None),
        )),
    )  # fmt: skip


def _surface() -> SurfaceChange:
    return SurfaceChange(
        Surface("final", {"deb": 88, "npm": 70}, 120, 3, 0, 2, 0, 1, 2, 4, 1, 0, {"shells": ("/bin/bash", "/bin/dash", "/bin/sh")}),
        Surface("build", {"deb": 412, "npm": 166}, 900, 4, 5, 3, 1, 3, 4, 11, 1, 0),
        {"compilers": ("/usr/bin/cc", "/usr/bin/g++"), "shells": ("/bin/rbash",)},
    )  # fmt: skip


def _budget(shipped: int) -> Budget:
    causes = (
        Cause("/usr/local/bin/node (base image)", 98_000_000),
        Cause("line 18: COPY --from=deps", 2),
    )
    return Budget(
        False,
        100_000_000,
        (
            Gate("max-size", "100MB", str(shipped), False, "--max-size", causes),
            Gate("forbid", "compilers", "none", True, "jettison.toml"),
        ),
    )


NASTY = "<script>alert(1)</script>\"'`</style></title>&lt;!--]]>\x1b[2J\x00\u202egnp.exe\u2066\udcff\n{{7*7}}"
"""Markup, quotes, control characters, marks that reverse the order, no UTF-8, lines, templates."""


@cache
def hostile() -> Report:
    """Return the sample with what an attacker would write wherever a text is."""
    nasty = msgspec.json.decode(
        msgspec.json.encode(_poisoned(msgspec.to_builtins(sample()))), type=Report, strict=False
    )
    long = [
        File("/" + NASTY + "x" * 1_000_000, "file", 900_000, 0),
        File("/" + "/d" * 4000, "file", 5, 1),
    ]
    long.append(File("/Z" + "\u0301" * 5000 + "algo", "file", 800_000, 2, 20))
    tree = tree_of([*files(), *long])
    surrogate = msgspec.structs.replace(nasty.image, ref=NASTY)
    return msgspec.structs.replace(nasty, tree=tree, image=surrogate)


def _poisoned(value: object) -> object:
    """Return plain data whose every text is hostile; keys of mappings that are fields stay."""
    if isinstance(value, str):
        return NASTY.replace("\udcff", "") + value
    if isinstance(value, dict):
        return {key: _poisoned(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_poisoned(each) for each in value]
    return value
