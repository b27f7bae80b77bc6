"""Commands whose reader goes away end as a process that SIGPIPE killed: with 141."""

from __future__ import annotations

import os
import subprocess

import pytest

from e2e.command import Cli

UNREAD = 141
PRINTS = (
    "--version",
    "help build",
    "images",
    "inspect box",
    "system df",
    "fsck",
    "save box",
    "build -q -t box-again {context}",
    "build -o - {context}",
    "run --rm box seq 1 3",
    "run --rm box seq 1 1000000",
)


def unread(cli: Cli, line: str, stream: str) -> int:
    """Run a command with a stream that nobody reads; return its status."""
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: writer}
    try:
        return subprocess.run(
            cli.argv(*line.split()),
            env=cli.env,
            cwd=cli.work,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=60,
            **streams,
        ).returncode
    finally:
        os.close(writer)


@pytest.mark.parametrize("line", PRINTS)
def test_standard_output_that_nobody_reads(cli: Cli, line: str) -> None:
    context = cli.context({"Dockerfile": "FROM box\nRUN echo unread\n"})
    assert unread(cli, line.format(context=context), "stdout") == UNREAD


@pytest.mark.parametrize("line", ["nonsense", "build --no-cache {context}"])
def test_standard_error_that_nobody_reads(cli: Cli, line: str) -> None:
    context = cli.context({"Dockerfile": "FROM box\nRUN echo unread\n"})
    assert unread(cli, line.format(context=context), "stderr") == UNREAD


def test_a_command_that_prints_nothing_has_no_reader_to_lose(cli: Cli) -> None:
    assert unread(cli, "tag box box-named", "stdout") == 0
