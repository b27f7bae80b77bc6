"""Writes what is built: the contexts of the workloads W1 to W10 and of the scaling curves.

In:  a directory, and a scale for the big ones.
Out: a build context each; contents depend on nothing but the arguments.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable
from pathlib import Path

_VOCABULARY = [f"{first}{last}" for first in ("de", "ra", "mo", "ti", "ku") for last in
               ("bit", "load", "path", "name", "sum", "view", "node", "key")]  # fmt: skip
_FILES = 20_000
_BLOB_MIB = 200
_MIB = 1 << 20


def write_all(root: Path, *, scale: float = 1.0, registry: str = "") -> None:
    """Write all workloads below a directory, each in a directory of its name."""
    writers: dict[str, Callable[[Path], None]] = {
        "w1": python_example,
        "w2": node_example,
        "w3": sleeping_stages,
        "w4": lambda path: many_files(path, int(_FILES * scale), int(_BLOB_MIB * scale)),
        "w5": lambda path: writing_step(path, int(_FILES * scale), int(300_000_000 * scale)),
        "w7": lambda path: big_base(path, registry),
        "w8": lambda path: run_steps(path, 30),
        "w9": lambda path: chained_stages(path, 200),
    }
    for name, writer in writers.items():
        path = root / name
        if not (path / "Dockerfile").exists():
            path.mkdir(parents=True, exist_ok=True)
            writer(path)


def python_example(path: Path) -> None:
    """W1: poetry installed and used in one stage, its result copied to another."""
    _put(path / "pyproject.toml", """\
        [tool.poetry]
        name = "greeting"
        version = "1.0"
        description = ""
        authors = []
        package-mode = false

        [tool.poetry.dependencies]
        python = ">=3.11"
        """)  # fmt: skip
    _put(path / "app.py", 'print("hello")\n')
    _put(path / "Dockerfile", """\
        FROM python:3.11-slim AS build
        WORKDIR /app
        RUN pip install --no-cache-dir poetry
        COPY pyproject.toml app.py ./
        RUN poetry install --only main --no-root
        FROM python:3.11-slim
        WORKDIR /app
        COPY --from=build /app /app
        CMD ["python", "app.py"]
        """)  # fmt: skip


def node_example(path: Path) -> None:
    """W2: dependencies, compilation and runtime in three stages; ``src/text.ts`` is edited."""
    _put(path / "package.json", """\
        {"name": "greeting", "version": "1.0.0", "private": true,
         "scripts": {"build": "tsc --outDir dist --target es2020 --module commonjs src/main.ts"},
         "dependencies": {"ms": "2.1.3"}, "devDependencies": {"typescript": "5.4.5"}}
        """)  # fmt: skip
    _put(path / "src/main.ts", "import { text } from './text';\nconsole.log(text);\n")
    _put(path / "src/text.ts", "export const text = 'hello';\n")
    _put(path / "Dockerfile", """\
        FROM node:20 AS production
        WORKDIR /app
        COPY package.json ./
        RUN npm install --omit=dev
        FROM node:20 AS build
        WORKDIR /app
        COPY package.json ./
        RUN npm install
        COPY src src
        RUN npm run build
        FROM node:20
        WORKDIR /app
        COPY --from=production /app/node_modules node_modules
        COPY --from=build /app/dist dist
        CMD ["node", "dist/main.js"]
        """)  # fmt: skip


def sleeping_stages(path: Path) -> None:
    """W3: four stages that need nothing of each other and sleep for two seconds each."""
    stages = "".join(
        f"FROM alpine:3.20 AS s{n}\nARG SEED\nRUN sleep 2 && echo {n} $SEED > /o{n}\n"
        for n in range(4)
    )
    copies = "".join(f"COPY --from=s{n} /o{n} /o{n}\n" for n in range(4))
    _put(path / "Dockerfile", f"ARG SEED=0\n{stages}FROM alpine:3.20\n{copies}")


def many_files(path: Path, files: int, blob_mib: int) -> None:
    """W4: a context of small text files, ten to a directory, and one that cannot be compressed."""
    random_bytes = random.Random(44)  # noqa: S311 - contents of files
    text = _text(random_bytes, 2 * _MIB)
    for number in range(files):
        directory = path / f"p{number % 200:03}" / f"m{number // 200 % 10}"
        if number < 2000:
            directory.mkdir(parents=True, exist_ok=True)
        start, size = random_bytes.randrange(len(text) - 6000), random_bytes.randrange(2000, 6000)
        (directory / f"f{number}.txt").write_text(f"{number}\n{text[start : start + size]}")
    with (path / "blob.bin").open("wb") as blob:
        for _ in range(blob_mib):
            blob.write(random_bytes.randbytes(_MIB))
    _put(path / "Dockerfile", "FROM alpine:3.20\nCOPY . /src\n")


def writing_step(path: Path, files: int, total_bytes: int) -> None:
    """W5, W6, W10: a RUN that writes many files of data that compresses to about half."""
    _put(path / "write.py", f"""\
        import os, random, sys, sysconfig
        from pathlib import Path

        seed = int(sys.argv[1])
        library = Path(sysconfig.get_path("stdlib"))
        text = b"".join(path.read_bytes() for path in sorted(library.glob("*.py")))[: 8 << 20]
        rng = random.Random(seed)
        pool = b"".join(
            text[n : n + 4096] + rng.randbytes(2048) for n in range(0, len(text), 4096)
        )
        size = {total_bytes // max(files, 1)}
        for n in range({files}):
            directory = f"/data/d{{n % 200:03}}"
            if n < 200:
                os.makedirs(directory)
            start = rng.randrange(len(pool) - size)
            with open(f"{{directory}}/f{{n}}", "wb") as file:
                file.write(pool[start : start + size])
        """)  # fmt: skip
    _put(path / "Dockerfile", """\
        FROM python:3.11-slim
        ARG SEED=0
        COPY write.py /
        RUN python /write.py $SEED
        """)  # fmt: skip


def big_base(path: Path, registry: str) -> None:
    """W7: a large base image that must be pulled."""
    image = f"{registry}/library/golang:1.23-full" if registry else "golang:1.23"
    _put(path / "Dockerfile", f"FROM {image}\nRUN true\n")


def run_steps(path: Path, steps: int) -> None:
    """W8: many steps that do next to nothing."""
    lines = "".join(f"RUN echo {n} > /f{n}\n" for n in range(steps))
    _put(path / "Dockerfile", f"FROM alpine:3.20\n{lines}")


def chained_stages(path: Path, stages: int) -> None:
    """W9: a small file handed from stage to stage."""
    _put(path / "seed.txt", "seed\n")
    lines = ["FROM scratch AS s0\nCOPY seed.txt /f0\n"]
    lines += [f"FROM scratch AS s{n}\nCOPY --from=s{n - 1} /f{n - 1} /f{n}\n"
              for n in range(1, stages)]  # fmt: skip
    _put(path / "Dockerfile", "".join(lines))


def copy_steps(path: Path, layers: int) -> None:
    """A layer for each of many small files."""
    lines = []
    for number in range(layers):
        _put(path / f"f{number}", f"{number}\n")
        lines.append(f"COPY f{number} /\n")
    _put(path / "Dockerfile", "FROM scratch\n" + "".join(lines))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


def _text(source: random.Random, size: int) -> str:
    words = source.choices(_VOCABULARY, k=size // 5)
    return " ".join(f"{word}\n" if number % 9 == 8 else word for number, word in enumerate(words))
