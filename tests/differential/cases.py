"""Random Dockerfiles: stages of steps that succeed whatever came before.

In:  a random number generator.
Out: a build context, and targets with their steps.
"""

from __future__ import annotations

import os
import random
import tarfile
from pathlib import Path

BASE = "alpine:3.20"
FILES = ("/w/a", "/w/b", "/w/l", "/w/d/a", "/w/d/b", "/w/e/a", "/c/f1", "/c/d1/f", "/c/d1/h")
DIRECTORIES = ("/w/d", "/w/e", "/w/e/n", "/c/d1", "/c/d1/e", "/tmp/t")
TIMES = (1000, 2000, 1_600_000_000)
SOURCE = f"""FROM {BASE} AS src
RUN mkdir -p /o/d/e && echo one >/o/f1 && echo two >/o/d/f && ln /o/d/f /o/d/h \
&& ln -s f /o/d/l && echo 3 >/o/d/e/g && chmod 2755 /o/d/e && chown 3:4 /o/d/f \
&& touch -d @1500 /o/f1 /o/d/f /o/d/e/g && touch -h -d @1500 /o/d/l \
&& touch -d @1400 /o/d/e /o/d /o
"""


def fill(context: Path, chance: random.Random) -> None:
    """Make a context with links, odd modes and old times."""
    (context / "d1/e").mkdir(parents=True)
    (context / "d2").mkdir()
    for name in ("f1", "f2", "x.log", "d1/f", "d1/e/g", "d1/e/x.log", "d2/f", "d2/f1"):
        (context / name).write_text(f"{name}\n")
        (context / name).chmod(chance.choice((0o644, 0o600, 0o755, 0o4755, 0o444)))
    (context / "d1/h").hardlink_to(context / "d1/f")
    (context / "d1/l").symlink_to("f")
    (context / "d1/dangling").symlink_to("../nowhere")
    (context / "to-d1").symlink_to("d1")
    with tarfile.open(context / "t.tar", "w") as archive:
        for name in ("d1", "f1"):
            archive.add(context / name, name, filter=_owned)
    for path in sorted(context.rglob("*"), reverse=True):
        seconds = chance.choice(TIMES)
        os.utime(path, (seconds, seconds), follow_symlinks=False)
        if path.is_dir() and not path.is_symlink():
            path.chmod(chance.choice((0o755, 0o700, 0o2755, 0o1777)))
            os.utime(path, (seconds, seconds))
    ignored = chance.sample(("*.log", "d1/e", "**/x.log", "!d1/e/g", "d2/*", "!d2/f1"), 3)
    (context / ".dockerignore").write_text("\n".join(["Dockerfile", *ignored, ""]))


def _owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid, member.gid = 5, 6
    member.uname = member.gname = ""
    member.mtime = 1700
    return member


def steps(chance: random.Random) -> list[str]:
    """Return the instructions of one stage."""
    makers = (_run, _run, _run, _copy, _copy, _mounting, _config)
    return [chance.choice(makers)(chance) for _ in range(chance.randint(3, 7))]


def dockerfile(targets: dict[str, list[str]]) -> str:
    """Return the Dockerfile of some stages."""
    text = SOURCE
    for name, instructions in targets.items():
        text += f"FROM {BASE} AS {name}\nRUN mkdir -p /w/d /w/e /c\n"
        text += "".join(f"{each}\n" for each in instructions)
    return text


def _command(chance: random.Random) -> str:
    file, other = chance.sample(FILES, 2)
    directory = chance.choice(DIRECTORIES)
    any_path = chance.choice((file, directory))
    time, owner = chance.choice(TIMES), chance.choice(("0:0", "1:2", "0:7"))
    mode = chance.choice(("644", "600", "4755", "1777", "2775", "u+x", "g-w"))
    # Opening a pipe to write waits for a reader.
    no_pipe = f"[ ! -p {file} ] &&"
    return chance.choice(
        (
            f"touch -d @{time} {any_path}",
            f"touch -h -d @{time} {file}",
            f"chown {owner} {any_path}",
            f"chown -h {owner} {file}",
            f"chown -R {owner} {directory}",
            f"chmod {mode} {any_path}",
            f"chmod -R {mode} {directory}",
            f"ln -f {file} {other}",
            f"ln -sf {os.path.basename(other)} {file}",
            f"mv {file} {other}",
            f"mv {file} /tmp/away && mv /tmp/away {file}",
            f"rm -rf {any_path}",
            f"rm -rf {directory} && mkdir {directory} && echo new >{directory}/a",
            f"mkdir -p {directory}",
            f"{no_pipe} echo {chance.randrange(3)} >>{file}",
            f"{no_pipe} echo same >{file} && touch -d @{time} {file}",
            f"{no_pipe} : >>{file}",
            f"rm -rf /w/copy ; cp -a {any_path} /w/copy",
            f"{no_pipe} cp -a /etc/passwd {file}",
            "chown -R 0:0 /bin",
            ": >>/etc/passwd",
            f"mkfifo {file}",
            f"[ -f {file} ] && sed -i s/0/1/ {file}",
            f"mv {directory} /w/moved && mv /w/moved {directory}",
        )
    )


def _script(chance: random.Random) -> str:
    commands = [_command(chance) for _ in range(chance.randint(1, 4))]
    return " ; ".join(f"({each}) 2>/dev/null" for each in commands) + " ; true"


def _run(chance: random.Random) -> str:
    return "RUN " + _script(chance)


def _mounting(chance: random.Random) -> str:
    mount = chance.choice(
        (
            "type=cache,target=/cache",
            "type=tmpfs,target=/t",
            "type=bind,source=d1,target=/m",
            "type=bind,from=src,source=/o,target=/m",
            "type=bind,source=f1,target=/w/mounted",
            "type=bind,target=/m,rw",
        )
    )
    return f"RUN --mount={mount} (cp -a /m /w/from) 2>/dev/null ; (touch /m/x /cache/x /t/x) \
2>/dev/null ; {_script(chance)}"


def _copy(chance: random.Random) -> str:
    flags = ""
    if chance.random() < 0.3:
        flags += " --chown=" + chance.choice(("1:2", "7", "8:9", "0"))
    if chance.random() < 0.3:
        flags += " --chmod=" + chance.choice(("755", "600", "1777", "2755"))
    elif chance.random() < 0.2:
        flags += " --link"
    what, dest = chance.choice(
        (
            ("f1", "/c/"),
            ("f1", "/c/f1"),
            ("f1 f2", "/c/"),
            ("d1", "/c/d1"),
            ("d1", "/c/d1/"),
            ("d1", "/c/"),
            ("d1 d2", "/c/both/"),
            ("d2", "/n/o/p"),
            ("f?", "/c/"),
            ("to-d1", "/c/linked/"),
            (".", "/all/"),
            ("d1/h d1/f", "/c/hard/"),
        )
    )
    if chance.random() < 0.35:
        flags = " --from=src" + flags
        what, dest = chance.choice(
            (
                ("/o", "/c/o"),
                ("/o/d", "/c/d1"),
                ("/o/f1", "/c/f1"),
                ("/o/d/*", "/c/s/"),
                ("/o/d/f /o/d/h", "/c/hard/"),
                ("/o/d/l", "/c/l"),
                ("/etc", "/etc"),
            )
        )
    elif chance.random() < 0.15 and "chmod" not in flags and "link" not in flags:
        return f"ADD{flags} t.tar {chance.choice(('/t/', '/c/x/', '/w/t/'))}"
    return f"COPY{flags} {what} {dest}"


def _config(chance: random.Random) -> str:
    return chance.choice(
        (
            "WORKDIR /wd/x",
            "WORKDIR /w/d",
            "WORKDIR rel",
            "USER 1000",
            "USER root",
            "ENV A=b C=$A",
            "LABEL l=v",
            'CMD ["true"]',
            "EXPOSE 80",
            "VOLUME /w/v",
        )
    )
