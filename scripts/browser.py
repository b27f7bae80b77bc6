"""A headless Chromium, spoken to by its DevTools protocol over two pipes.

In:  HTML files.
Out: results of expressions in a page, pictures, what the console said.

Nothing listens on a port, and nothing is needed but the browser. Pages are files of this project
or made by tests, so the browser's own sandbox, which needs privileges in containers, is off.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
TIMEOUT_SECONDS = 60.0
SWITCHES = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


class BrowserError(Exception):
    """The browser ended, did not respond, or said that something is wrong."""


def find_browser() -> str | None:
    """Return the path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """A running browser with one page.

    Args:
        program: Path of a Chromium.

    Raises:
        BrowserError: If it does not start.
    """

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="jettison-browser-")
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        # Above those that the browser expects, so that neither is overwritten by the other.
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_read, to_write)]
        null = os.open(os.devnull, os.O_RDWR)
        argv = [program, *SWITCHES, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._pid = os.posix_spawn(
            program,
            argv,
            {**os.environ, "HOME": self._profile.name},
            file_actions=[
                *((os.POSIX_SPAWN_DUP2, null, number) for number in range(3)),
                (os.POSIX_SPAWN_DUP2, theirs[0], 3),
                (os.POSIX_SPAWN_DUP2, theirs[1], 4),
            ],
            setsid=True,
        )
        for end in (to_read, to_write, null, *theirs):
            os.close(end)
        self._number = 0
        self._data = b""
        self.events: list[dict[str, Any]] = []
        self._session = ""
        try:
            self._open_page()
        except BaseException:
            self.close()
            raise

    def _open_page(self) -> None:
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser and remove what it wrote."""
        if self._pid:
            os.close(self._write)
            os.close(self._read)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
        shutil.rmtree(self._profile.name, ignore_errors=True)
        self._profile.cleanup()

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol; events that come meanwhile are kept.

        Raises:
            BrowserError: If the browser says so, ends, or needs more than a minute.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        try:
            while data:
                data = data[os.write(self._write, data) :]
        except OSError as error:
            raise BrowserError("the browser ended") from error
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            answer = self._message(deadline)
            if answer.get("id") == self._number:
                break
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._data:
            ready, _, _ = select.select([self._read], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise BrowserError("the browser does not respond")
            data = os.read(self._read, 1 << 20)
            if not data:
                raise BrowserError("the browser ended")
            self._data += data
        text, _, self._data = self._data.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message

    def open(self, path: Path, script: bool = True) -> None:
        """Open a file and wait until it is loaded and drawn.

        Args:
            path: It.
            script: Whether JavaScript of the page runs.
        """
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._message(deadline)
        if script:
            self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def look(self, width: int, height: int, dark: bool = False, scale: float = 1) -> None:
        """Have a window of this size, in CSS pixels, and a scheme of colours."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def evaluate(self, expression: str) -> object:
        """Return the value of an expression in the page; promises are waited for.

        Raises:
            BrowserError: If it throws.
        """
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            raise BrowserError(json.dumps(result["exceptionDetails"])[:2000])
        return result["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys one after another, by the names that events have."""
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38}
        codes |= {"ArrowRight": 39, "ArrowDown": 40}
        for key in keys:
            about: Mapping[str, object] = {
                "key": key,
                "code": key,
                "windowsVirtualKeyCode": codes[key],
                **({"text": "\r"} if key == "Enter" else {}),
            }
            self.call("Input.dispatchKeyEvent", type="keyDown", **about)
            self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(
        self, form: str = "png", quality: int | None = None, clip: Sequence[float] | None = None
    ) -> bytes:
        """Return a picture of the window, or of a part of the page.

        Args:
            form: ``png``, ``jpeg`` or ``webp``.
            quality: From 0 to 100, not for ``png``.
            clip: Left, top, width and height in CSS pixels of the page.
        """
        parameters: dict[str, Any] = {"format": form, "captureBeyondViewport": clip is not None}
        if quality is not None:
            parameters["quality"] = quality
        if clip is not None:
            x, y, width, height = clip
            parameters["clip"] = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        return base64.b64decode(self.call("Page.captureScreenshot", **parameters)["data"])

    def complaints(self) -> list[str]:
        """Return what went wrong in the page: exceptions, and what the console and policies say."""
        found = []
        for event in self.events:
            about = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(about["exceptionDetails"])[:500])
            elif event["method"] == "Log.entryAdded":
                found.append(about["entry"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled":
                found.append(json.dumps(about["args"])[:500])
        return found

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]
