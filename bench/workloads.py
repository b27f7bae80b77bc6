"""Writes what is built: the contexts of the workloads W1 to W10 and of the scaling curves.

In:  a directory, and a scale for the big ones.
Out: a build context each; contents depend on nothing but the arguments.
"""

from __future__ import annotations

import random
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

_VOCABULARY = [f"{first}{last}" for first in ("de", "ra", "mo", "ti", "ku") for last in
               ("bit", "load", "path", "name", "sum", "view", "node", "key")]  # fmt: skip
_FILES = 20_000
_BYTES = 300_000_000
_BLOB_MIB = 200
_MIB = 1 << 20
_NODE = Path(__file__).parent / "node"
_EXAMPLES = Path(__file__).parents[1] / "examples"


def write_all(root: Path, *, scale: float = 1.0, registry: str = "") -> None:
    """Write all workloads below a directory, each in a directory of its name."""
    writers: dict[str, Callable[[Path], None]] = {
        "w1": python_example,
        "w2": node_example,
        "w2-full": lambda path: node_on_full_base(path, registry),
        "w3": sleeping_stages,
        "w4": lambda path: many_files(path, int(_FILES * scale), int(_BLOB_MIB * scale)),
        "npm": cached_packages,
        "go": go_example,
        "platforms": lambda path: two_platforms(
            path, int(_FILES * scale), int(300_000_000 * scale)
        ),
        "w5": lambda path: writing_step(path, int(_FILES * scale), int(300_000_000 * scale)),
        "w7": lambda path: big_base(path, registry),
        "w8": lambda path: run_steps(path, 30),
        "w9": lambda path: chained_stages(path, 200),
        "copy40": lambda path: copy_steps(path, 40, base="alpine:3.20"),
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
    """W2: dependencies, compilation and runtime in three stages; ``src/greet.ts`` is edited."""
    _put(path / "package.json", """\
        {
          "name": "greeting", "version": "1.0.0", "private": true,
          "scripts": {"build": "tsc -p ."},
          "dependencies": {"express": "4.21.2"},
          "devDependencies": {
            "typescript": "5.4.5", "@types/node": "20.14.0", "@types/express": "4.17.21"
          }
        }
        """)  # fmt: skip
    shutil.copyfile(_NODE / "package-lock.json", path / "package-lock.json")
    _put(path / "tsconfig.json", """\
        {"compilerOptions": {
          "target": "es2020", "module": "commonjs", "outDir": "dist", "rootDir": "src",
          "strict": true, "esModuleInterop": true, "skipLibCheck": true
        }, "include": ["src"]}
        """)  # fmt: skip
    _put(path / "src/index.ts", """\
        import express from 'express';
        import { greet } from './greet';
        const app = express();
        app.get('/', (_request, response) => { response.send(greet()); });
        if (process.argv[2] === '-version') { console.log(greet()); }
        else { app.listen(18081, '127.0.0.1'); }
        """)  # fmt: skip
    _put(path / "src/greet.ts", "export function greet(): string { return 'hello'; }\n")
    _put(path / ".dockerignore", "node_modules\ndist\n")
    _put(path / "Dockerfile", """\
        FROM node:20 AS production
        WORKDIR /app
        COPY package.json package-lock.json ./
        RUN npm ci --omit=dev

        FROM node:20 AS build
        WORKDIR /app
        COPY package.json package-lock.json ./
        RUN npm ci
        COPY tsconfig.json ./
        COPY src ./src
        RUN npm run build

        FROM node:20
        WORKDIR /app
        ENV NODE_ENV=production
        COPY --from=production /app/node_modules ./node_modules
        COPY --from=build /app/dist ./dist
        EXPOSE 18081
        CMD ["node", "dist/index.js"]
        """)  # fmt: skip


def node_on_full_base(path: Path, registry: str) -> None:
    """W2 on a base image of the size of the public one (``node/full.Dockerfile``)."""
    node_example(path)
    dockerfile = path / "Dockerfile"
    image = f"{registry}/library/node:20-full" if registry else "node:20-full"
    dockerfile.write_text(dockerfile.read_text().replace("FROM node:20", f"FROM {image}"))


def cached_packages(path: Path) -> None:
    """W2 with cache mounts for the packages that npm has fetched."""
    node_example(path)
    dockerfile = path / "Dockerfile"
    text = dockerfile.read_text().replace(
        "RUN npm ci", "RUN --mount=type=cache,target=/root/.npm npm ci"
    )
    dockerfile.write_text(text)


def go_example(path: Path) -> None:
    """The Go example with a cache mount for what was compiled; ``main.go`` is edited."""
    for name in ("go.mod", "go.sum", "main.go"):
        shutil.copyfile(_EXAMPLES / "go" / name, path / name)
    _put(path / "Dockerfile", """\
        FROM golang:1.23 AS builder
        WORKDIR /app
        COPY go.mod go.sum ./
        RUN go mod download
        COPY . .
        RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build -o main .

        FROM scratch
        COPY --from=builder /app/main /app/main
        ENTRYPOINT ["/app/main"]
        """)  # fmt: skip


def two_platforms(path: Path, files: int, total_bytes: int) -> None:
    """W5's files in a stage that two platforms share, and one file of each."""
    writing_step(path, files, total_bytes)
    for name in ("amd64", "arm64"):
        _put(path / name, f"{name}\n")
    _put(path / "Dockerfile", """\
        FROM --platform=$BUILDPLATFORM python:3.11-slim AS data
        ARG SEED=0
        COPY write.py /write.py
        RUN python /write.py $SEED

        FROM scratch
        ARG TARGETARCH
        COPY --from=data /data /data
        COPY $TARGETARCH /platform
        """)  # fmt: skip


def sleeping_stages(path: Path) -> None:
    """W3: four stages that need nothing of each other and sleep for two seconds each."""
    stages = "".join(
        f"FROM alpine:3.20 AS s{n}\nARG BUST\nRUN sleep 2 && echo {n} $BUST > /out{n}\n\n"
        for n in range(1, 5)
    )
    copies = "".join(f"COPY --from=s{n} /out{n} /out{n}\n" for n in range(1, 5))
    _put(path / "Dockerfile", f"ARG BUST=0\n{stages}FROM alpine:3.20\n{copies}")


def many_files(path: Path, files: int, blob_mib: int) -> None:
    """W4: a context of text files of 2 to 6 kB and one file that cannot be compressed.

    They lie in 2,000 directories, and in more where there would be more than 20 in one.
    """
    source = random.Random(4)  # noqa: S311 - contents of files
    text = _text(source, 4 * _MIB)
    parts = max(10, files // 4000)
    made = set()
    for number in range(files):
        directory = path / f"pkg{number % 200:03}" / f"m{number // 200 % parts}"
        if directory not in made:
            directory.mkdir(parents=True, exist_ok=True)
            made.add(directory)
        start, size = source.randrange(len(text) - 8192), source.randrange(2048, 6144)
        (directory / f"f{number:05}.txt").write_text(f"# {number}\n{text[start : start + size]}\n")
    with (path / "blob.bin").open("wb") as blob:
        for _ in range(blob_mib):
            blob.write(source.randbytes(_MIB))
    _put(path / "Dockerfile", "FROM alpine:3.20\nCOPY . /src\n")


def writing_step(path: Path, files: int, total_bytes: int) -> None:
    """W5, W6, W10: a RUN that writes many files of text and programs, half compressible."""
    _put(path / "write.py", f"""\
        import os, random, sys, sysconfig
        from pathlib import Path

        files, size = {files}, {total_bytes // max(files, 1)}
        seed = int(sys.argv[1])
        sources = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
        libraries = sorted(Path("/usr/lib/x86_64-linux-gnu").glob("*.so*"))
        pool = b""
        for path in [*sources, *libraries]:
            if len(pool) < 24 << 20 and not path.is_symlink():
                pool += path.read_bytes()
        rng = random.Random(seed)
        for n in range(200):
            os.makedirs(f"/data/d{{n:03}}")
        for n in range(files):
            start = rng.randrange(len(pool) - size)
            with open(f"/data/d{{n % 200:03}}/f{{n:05}}", "wb") as file:
                file.write(b"%d %d\\n" % (seed, n))
                file.write(pool[start : start + size - 16])
        """)  # fmt: skip
    _put(path / "Dockerfile", """\
        FROM python:3.11-slim
        ARG SEED=0
        COPY write.py /write.py
        RUN python /write.py $SEED
        """)  # fmt: skip


def big_base(path: Path, registry: str) -> None:
    """W7: a large base image that must be pulled."""
    image = f"{registry}/library/golang:1.23-full" if registry else "golang:1.23"
    _put(path / "Dockerfile", f"FROM {image}\nRUN true\n")


def run_steps(path: Path, steps: int) -> None:
    """W8: many steps that do next to nothing."""
    lines = "".join(f"RUN echo {n} > /f{n}\n" for n in range(1, steps + 1))
    _put(path / "Dockerfile", f"FROM alpine:3.20\n{lines}")


def chained_stages(path: Path, stages: int) -> None:
    """W9: a small file handed from stage to stage."""
    _put(path / "seed.txt", "seed\n")
    lines = ["FROM scratch AS s0\nCOPY seed.txt /f0\n"]
    lines += [f"FROM scratch AS s{n}\nCOPY --from=s{n - 1} /f{n - 1} /f{n}\n"
              for n in range(1, stages)]  # fmt: skip
    _put(path / "Dockerfile", "\n".join(lines))


def copy_steps(path: Path, layers: int, *, base: str = "scratch") -> None:
    """A layer for each of many small files."""
    lines = []
    for number in range(layers):
        _put(path / f"f{number}", f"{number}\n")
        lines.append(f"COPY f{number} /\n")
    _put(path / "Dockerfile", f"FROM {base}\n" + "".join(lines))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


def _text(source: random.Random, size: int) -> str:
    """Return lines like those of programs: words, and a number that nothing else has."""
    lines, length = [], 0
    while length < size:
        words = " ".join(source.choices(_VOCABULARY, k=source.randrange(3, 9)))
        lines.append(f"{' ' * source.randrange(9)}{words} {source.getrandbits(24):x}\n")
        length += len(lines[-1])
    return "".join(lines)
