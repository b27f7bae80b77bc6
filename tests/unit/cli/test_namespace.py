"""Starting again in a user namespace, with what was read already."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jettison.cli.namespace import enter_again

AGAIN = f"""
import os, sys
from {enter_again.__module__} import enter_again
from jettison.errors import InternalError
data = sys.stdin.buffer.read()
try:
    enter_again(data)
except InternalError as error:
    print(error.message)
sys.stdout.flush()
os.write(1, os.read(0, 100))
"""


@pytest.mark.needs_root
def test_input_that_was_read_is_there_again_and_root_needs_no_namespace():
    argv = [sys.executable, "-c", AGAIN]
    environ = {key: value for key, value in os.environ.items() if key != "JETTISON_USERNS"}
    done = subprocess.run(argv, input=b"typed\xff", capture_output=True, check=True, env=environ)
    assert done.stdout == b"a user namespace was asked for without need\ntyped\xff"
