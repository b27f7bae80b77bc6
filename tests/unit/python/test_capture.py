"""What a container writes is kept up to a limit."""

from __future__ import annotations

import os

import pytest

from jettison.python.capture import LIMIT_BYTES, Capture


def test_output_is_kept_and_input_is_read() -> None:
    with Capture(output=True, stdin=b"in") as kept:
        assert os.read(kept.stdin, 10) == b"in"
        os.write(kept.stdout, b"out")
        os.write(kept.stdout, b"put")
        assert kept.output() == (b"output", b"")
        assert not kept.is_full()


def test_without_it_the_streams_are_the_process_s_own() -> None:
    with Capture(output=False, stdin=None) as kept:
        assert (kept.stdin, kept.stdout, kept.stderr) == (0, 1, 2)
        assert kept.output() == (None, None)
        assert not kept.is_full()


def test_more_than_the_limit_is_not_taken() -> None:
    with Capture(output=True, stdin=None) as kept:
        os.lseek(kept.stdout, LIMIT_BYTES - 2, os.SEEK_SET)
        assert os.write(kept.stdout, b"abc") == 2
        with pytest.raises(OSError, match=r"\[Errno 1\]"):
            os.write(kept.stdout, b"c")
        assert kept.is_full()


def test_its_descriptors_are_closed_and_no_child_gets_them() -> None:
    with Capture(output=True, stdin=b"") as kept:
        made = list(kept.made)
        assert len(made) == 3
        assert not any(os.get_inheritable(each) for each in made)
    for each in made:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(each)
