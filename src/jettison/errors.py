"""Every error that a user may see, as one tree.

::

    JettisonError                       code, exit_status, hint
    ├── UsageError                  125  flags, settings
    ├── FrontendError                 3  .span: the place in the Dockerfile
    │   ├── DockerfileSyntaxError, ExpansionError
    │   └── StageGraphError, LintError   misplaced stage; check=error=true
    ├── SourceError                   4  what a build reads is not there
    │   ├── ContextError                 missing COPY source, escape
    │   ├── InvalidReferenceError, ImageNotFoundError, PlatformNotFoundError
    │   ├── PathNotFoundError            an image has no such file
    │   └── RegistryError                .status; AuthenticationError, RegistryUnavailableError
    ├── ContentError                  4  bytes are not what was promised
    │   ├── DigestMismatchError, SizeMismatchError
    │   ├── InvalidManifestError, UnsafeArchiveError
    │   └── VerificationError            nobody who is trusted has signed it
    ├── SolveError                    1  .vertex; ExecError (.argv …), SecretInLayerError
    ├── HostError                     5  SandboxUnavailableError, StorageError
    ├── ExportError                   6  what is built cannot be written
    ├── ContainerError                1  no such container, or it does not run
    ├── GateError              20 to 25  a limit of the image is not kept
    ├── CheckError             26 to 28  ProbeError, NotReproducibleError
    └── InternalError                70  an invariant broke

Messages are lower case without a final period, literals stand in backticks, and a secret never
enters one. ``hint`` is one imperative sentence. Exit statuses are documented in
``docs/reference/exit-status.md``.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Span(msgspec.Struct, frozen=True):
    """A range of lines and columns of one Dockerfile.

    Lines and columns count from 1; ``end_line`` is inclusive, ``end_column`` exclusive.
    A column of 0 means that the whole line is meant.
    """

    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0


class Cause(msgspec.Struct, frozen=True):
    """What was recognised to be behind an error: three lines at most.

    Args:
        id: Its name on ``docs/reference/failures.md``, such as ``package-not-found``.
        what: What happened, in one line.
        why: How that comes, if there is more to say.
        fix: What the user can do, one imperative sentence.
    """

    id: str
    what: str
    why: str = ""
    fix: str = ""


class JettisonError(Exception):
    """An error that is shown to the user without a traceback.

    Args:
        message: What is wrong and why, lower case, without a final period.
        hint: What the user can do, one imperative sentence.
        span: Where in the Dockerfile, if it is about one.

    ``source`` is set on the way up: name and text of the file that the span is of. ``cause`` is
    what was recognised to be behind it, if anything was.
    """

    code: ClassVar[str] = "JE0000"
    exit_status: ClassVar[int] = 1
    source: tuple[str, str] | None = None
    cause: Cause | None = None

    def __init__(self, message: str, *, hint: str | None = None, span: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.span = span


class UsageError(JettisonError):
    """A flag, an argument or a setting is wrong."""

    code = "JE0100"
    exit_status = 125


class FrontendError(JettisonError):
    """The Dockerfile is wrong."""

    code = "JE0200"
    exit_status = 3


class DockerfileSyntaxError(FrontendError):
    """The Dockerfile cannot be parsed."""

    code = "JE0201"


class ExpansionError(FrontendError):
    """A variable cannot be expanded."""

    code = "JE0202"


class StageGraphError(FrontendError):
    """A stage is unknown, circular or misplaced."""

    code = "JE0203"


class LintError(FrontendError):
    """The Dockerfile asks for ``check=error=true`` and a rule found something."""

    code = "JE0204"


class SourceError(JettisonError):
    """Something that the build reads is not there or cannot be read."""

    code = "JE0300"
    exit_status = 4


class InvalidReferenceError(SourceError):
    """An image reference cannot be parsed."""

    code = "JE0301"


class ContextError(SourceError):
    """The build context lacks a file or tries to escape its root."""

    code = "JE0302"


class ImageNotFoundError(SourceError):
    """No image of that name is in the local store or in its registry."""

    code = "JE0303"


class PlatformNotFoundError(SourceError):
    """An image index has no manifest for the platform."""

    code = "JE0304"


class PathNotFoundError(SourceError):
    """An image or container has no such path, or it is none that can be read."""

    code = "JE0305"


class RegistryError(SourceError):
    """A registry refused a request: HTTP ``status`` (0: no answer), a pause that it asks for."""

    code = "JE0310"
    wait_seconds: float = 0.0

    def __init__(
        self, message: str, *, hint: str | None = None, span: Span | None = None, status: int = 0
    ) -> None:
        super().__init__(message, hint=hint, span=span)
        self.status = status


class AuthenticationError(RegistryError):
    """A registry wants credentials, or others than it was given."""

    code = "JE0311"


class RegistryUnavailableError(RegistryError):
    """A registry cannot be reached or answers with a server error."""

    code = "JE0312"


class ContentError(JettisonError):
    """Bytes are not what was promised."""

    code = "JE0400"
    exit_status = 4


class DigestMismatchError(ContentError):
    """Content has another digest than its descriptor."""

    code = "JE0401"


class SizeMismatchError(ContentError):
    """Content has another size than its descriptor."""

    code = "JE0402"


class InvalidManifestError(ContentError):
    """A manifest, index or image config cannot be decoded or is inconsistent."""

    code = "JE0403"


class UnsafeArchiveError(ContentError):
    """An archive is malformed or tries to write outside its root."""

    code = "JE0404"


class VerificationError(ContentError):
    """An image has no signature of the key that is asked for, or one of something else."""

    code = "JE0405"


class CachedLayerError(ContentError):
    """A layer of a build cache elsewhere is not there, or not what was said: build it instead.

    ``layer`` is its name.
    """

    code = "JE0406"

    def __init__(
        self, message: str, *, layer: str = "", hint: str | None = None, span: Span | None = None
    ) -> None:
        again = "build again; steps whose layers are lost run"
        super().__init__(message, hint=hint or again, span=span)
        self.layer = layer


class SolveError(JettisonError):
    """A vertex of the plan cannot be solved."""

    code = "JE0500"
    exit_status = 1


class ExecError(SolveError):
    """A RUN ended with an exit code other than 0.

    Args:
        exit_code: Of its process.
        log_tail: The end of what it printed.
        lacked_pids: Whether it had as many processes as it may.
        out_of_memory: Whether a process was killed since its limit of memory was used up.
        kept: Whether its files are kept for ``debug shell``.
    """

    code = "JE0501"

    def __init__(
        self,
        message: str,
        *,
        exit_code: int,
        log_tail: str = "",
        lacked_pids: bool = False,
        out_of_memory: bool = False,
        kept: bool = False,
        hint: str | None = None,
        span: Span | None = None,
    ) -> None:
        super().__init__(message, hint=hint, span=span)
        self.exit_code = exit_code
        self.log_tail = log_tail
        self.lacked_pids = lacked_pids
        self.out_of_memory = out_of_memory
        self.kept = kept


class SecretInLayerError(SolveError):
    """A RUN wrote the value of a secret into its layer."""

    code = "JE0502"


class HostError(JettisonError):
    """This machine cannot do what is asked."""

    code = "JE0600"
    exit_status = 5


class SandboxUnavailableError(HostError):
    """No way to run a step in a sandbox works on this machine."""

    code = "JE0601"


class StorageError(HostError):
    """The store cannot be written or read: disk full, read-only, damaged."""

    code = "JE0602"


class ExportError(JettisonError):
    """The image cannot be written where it was to go."""

    code = "JE0700"
    exit_status = 6


class ContainerError(JettisonError):
    """There is no such container, or it is not in the state that is needed."""

    code = "JE0800"
    exit_status = 1


class GateError(JettisonError):
    """A limit of the image is not kept; nothing was tagged or pushed."""

    code = "JE0810"
    exit_status = 20


class SizeGateError(GateError):
    """The image is larger than `max-size`."""

    code = "JE0811"


class GrowthGateError(GateError):
    """The image has grown by more than `max-growth`."""

    code = "JE0812"
    exit_status = 21


class WasteGateError(GateError):
    """More than `max-wasted` is shipped and cannot be seen."""

    code = "JE0813"
    exit_status = 22


class ForbiddenGateError(GateError):
    """The image has something that `forbid` names."""

    code = "JE0814"
    exit_status = 23


class UserGateError(GateError):
    """The image runs as root, and `require-user` is set."""

    code = "JE0815"
    exit_status = 24


class EfficiencyGateError(GateError):
    """A limit of dive's file is not kept."""

    code = "JE0816"
    exit_status = 25


class CheckError(JettisonError):
    """A check of the image found something, and `--strict` is set; nothing was tagged or pushed."""

    code = "JE0820"
    exit_status = 26


class ProbeError(CheckError):
    """The image did not do what `--probe` asks of it; nothing was tagged or pushed."""

    code = "JE0821"
    exit_status = 27

    log_tail = ""
    """The end of what the image printed."""


class NotReproducibleError(CheckError):
    """Two builds made different images; nothing was tagged or pushed."""

    code = "JE0822"
    exit_status = 28


class InternalError(JettisonError):
    """An invariant broke; this is a bug in Jettison."""

    code = "JE0900"
    exit_status = 70
