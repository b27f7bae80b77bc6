"""A real S3 server (versitygw) for tests.

``.ci/run`` installs it where Go is; a test that needs it skips on a machine without.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple, Self

from host_tools import go_program
from registry_server import free_port

ACCESS, SECRET, REGION = "AKIAOFTHETEST", "s3cret-of-the-test", "eu-west-1"
BUCKET = "caches"
ENVIRON = {
    "AWS_ACCESS_KEY_ID": ACCESS,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_REGION": REGION,
    "AWS_BUCKET": BUCKET,
}
_LINE = re.compile(r"\| vgw \| +(\d+) \|[^|]*\|[^|]*\| +([A-Z]+) +\| (\S+) \|")


class Request(NamedTuple):
    """One line of the log."""

    method: str
    path: str
    status: int


def program() -> str:
    """Return the path of versitygw; without it the test skips, and fails in CI."""
    return go_program("versitygw")


class S3Server:
    """One versitygw process with one bucket; a context manager.

    Args:
        directory: Its objects and log.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.host = f"127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def bucket(self) -> Path:
        """The bucket's objects as files."""
        return self.directory / "data" / BUCKET

    def __enter__(self) -> Self:
        argv = [program(), "--port", self.host, "--region", REGION, "posix"]
        self.bucket.mkdir(parents=True)
        argv.append(str(self.directory / "data"))  # its xattrs hold what is said of objects
        environ = {**os.environ, "ROOT_ACCESS_KEY_ID": ACCESS, "ROOT_SECRET_ACCESS_KEY": SECRET}
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, env=environ)
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
            except urllib.error.HTTPError as error:
                error.close()
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"versitygw does not start: {self.log()}") from None
                threading.Event().wait(0.02)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def requests(self) -> list[Request]:
        """Return the requests that were answered so far."""
        return [Request(verb, path, int(code)) for code, verb, path in _LINE.findall(self.log())]
