"""What a build was made of, as it is kept for the next one to be compared with.

In:  nothing; ``api.trace`` makes these values.
Out: ``Trace``, and its bytes.

Values of variables whose names look like secrets are keyed digests, and URLs have no passwords.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from functools import cached_property

import msgspec

from jettison.cache.key import Component
from jettison.oci.redact import redacted

_VERSION = b"3"
_MAX_BYTES = 4 << 20
_SECRET_NAME = re.compile(
    r"secret|passw|token|(?:^|_)(?:key|auth|pat|pwd|apikey|credentials?)(?:_|$)", re.IGNORECASE
)

Outcome = str
"""``ran``, ``cached``, ``failed``, or ``missing`` for a step that was not come to."""


class Written(msgspec.Struct, frozen=True, array_like=True):
    """An instruction of a stage.

    Args:
        kind: ``RUN``, ``COPY``, …; ``ONBUILD`` for what a base image's trigger added.
        text: As written, blanks made one, with its heredocs.
        line: Its first.
        vertex: What it became; empty for one that changes no files.
        sets: Variables that it gives a value: names and values.
        uses: Values of variables that its text names.
    """

    kind: str
    text: str
    line: int
    vertex: str = ""
    sets: dict[str, str] = {}
    uses: dict[str, str] = {}


class StageTrace(msgspec.Struct, frozen=True, array_like=True):
    """A stage.

    Args:
        index: Its number.
        name: Empty without one.
        base_name: What its FROM names, after expansion.
        line: Of FROM.
        needed: Whether the target needed it.
        base: Vertex that it begins with; empty for scratch, and where it was not needed.
        result: Its last vertex.
        instructions: FROM first.
    """

    index: int
    name: str
    base_name: str
    line: int
    needed: bool
    base: str
    result: str
    instructions: tuple[Written, ...]


class StepTrace(msgspec.Struct, frozen=True, array_like=True):
    """A vertex.

    Args:
        vertex: Digest of its definition.
        kind: The tag of its op: ``exec``, ``copy``, ``mkdir``, ``image``, ``local``, ``http``,
            ``git``.
        name: For people.
        stage: Index of its stage; -1 is none.
        line: Of its instruction; 0 is unknown.
        base: The vertex that it builds on.
        inputs: Those that it reads, by index.
        op: Encoded; of what is fetched the text that names it, without passwords.
        key: Digest of its cache key; empty where that was not known.
        components: What the key was made of.
        content: What its result holds; empty where there is none.
        outcome: How it ended.
        duration_ns: What it took when it ran; 0 is unknown.
        forced: Whether it was not to be looked up.
    """

    vertex: str
    kind: str
    name: str
    stage: int
    line: int
    base: str
    inputs: tuple[str, ...]
    op: bytes
    key: str = ""
    components: tuple[Component, ...] = ()
    content: str = ""
    outcome: Outcome = "missing"
    duration_ns: int = 0
    forced: bool = False

    @property
    def has_run(self) -> bool:
        """Whether it was executed, whatever came of it."""
        return self.outcome in {"ran", "failed"}


class Trace(msgspec.Struct, frozen=True, array_like=True):
    """A build.

    Args:
        key_version: Of the form of cache keys.
        target: ``--target``.
        platform: As text.
        build_args: ``--build-arg``, without proxies.
        flags: Other flags that are in keys, by name.
        contexts: Named contexts: what each is.
        ignored: Patterns of the ignore file of the build context.
        no_cache: ``--no-cache``, or ``--no-cache-filter`` and its stages.
        stages: In file order.
        steps: In plan order.
    """

    key_version: str
    target: str
    platform: str
    build_args: dict[str, str]
    flags: dict[str, str]
    contexts: dict[str, str]
    ignored: tuple[str, ...]
    no_cache: str
    stages: tuple[StageTrace, ...]
    steps: tuple[StepTrace, ...]

    def by_vertex(self) -> Mapping[str, StepTrace]:
        """Return the steps by vertex."""
        return {step.vertex: step for step in self.steps}


def encode(trace: Trace) -> bytes | None:
    """Return the bytes of a trace, None if they are too many or a text in it is no UTF-8."""
    try:
        data = msgspec.msgpack.encode(trace)
    except UnicodeEncodeError:
        return None
    return _VERSION + zlib.compress(data, 1) if len(data) <= _MAX_BYTES else None


def decode(data: bytes) -> Trace | None:
    """Return the trace that bytes are, None if another version wrote them."""
    if not data.startswith(_VERSION):
        return None
    try:
        unpacked = zlib.decompressobj().decompress(data[len(_VERSION) :], _MAX_BYTES)
        return msgspec.msgpack.decode(unpacked, type=Trace)
    except (zlib.error, msgspec.DecodeError, ValueError):
        return None


def is_secret(name: str) -> bool:
    """Tell whether a variable of this name may hold a secret.

    >>> is_secret("NPM_TOKEN"), is_secret("API_KEY"), is_secret("KEYBOARD")
    (True, True, False)
    """
    return _SECRET_NAME.search(name) is not None


class Mask:
    """Shows variables as they are kept: of what may be secret a keyed digest.

    Without the key nobody can tell a value that they guess from others.

    Args:
        find_key: Returns the store's key; called for the first such value.
    """

    def __init__(self, find_key: Callable[[], bytes]) -> None:
        self._find_key = find_key

    @cached_property
    def _key(self) -> bytes:
        return self._find_key()

    def shown(self, name: str, value: str | None) -> str:
        """Return what stands for a value: of equal ones the same. URLs have no passwords."""
        text = value or ""
        if not is_secret(name):
            return redacted(text)
        data = text.encode("utf-8", "replace")
        return f"keyed:{hashlib.blake2b(data, key=self._key, digest_size=32).hexdigest()}"

    def all(self, values: Mapping[str, str | None]) -> dict[str, str]:
        """Return variables so."""
        return {name: self.shown(name, value) for name, value in values.items()}
