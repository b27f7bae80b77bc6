"""What is kept about the build of an image: its stages, steps, lines and layers.

In:  a solved plan.
Out: ``BuildRecord``: small and frozen, kept in the store by image ID (``provenance.store``).

Lines are those of the Dockerfile that the image was built from: steps of several stages, or of
several files, may share one layer. The record of a build that found everything in the cache is
equal to that of the build which made it, unless lines moved.
"""

from __future__ import annotations

import enum

import msgspec

from jettison.oci.digest import Digest
from jettison.store.layer import LayerId, Stack

RECORD_VERSION = 1


class StepKind(enum.Enum):
    """What a step does."""

    IMAGE = "image"
    RUN = "run"
    COPY = "copy"
    WORKDIR = "workdir"
    CONTEXT = "context"
    URL = "url"
    GIT = "git"


class StepRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A vertex of the plan, as it was solved.

    Args:
        vertex: Its definition digest.
        kind: What it does.
        name: For people: ``[builder 3/5] RUN make``.
        base: Index of the step whose root file system it changes; -1 is the empty one.
        inputs: Indexes of the steps that it reads, as ``CopiedSource.input`` counts them.
        layers: Of an image all, of another step the one that it made; none of files.
        detail: Reference of an image; name of a context; URL without credentials.
        origins: Name of its ``CopyOrigins``; empty if it copies nothing.
        created_ns: When its layer was made, nanoseconds since the epoch; 0 without one.
        duration_ns: How long it took to make it; 0 is unknown.
        reads: Name of its ``StepReads``; empty if it was not traced.
    """

    vertex: Digest
    kind: StepKind
    name: str
    base: int = -1
    inputs: tuple[int, ...] = ()
    layers: Stack = ()
    detail: str = ""
    origins: str = ""
    created_ns: int = 0
    duration_ns: int = 0
    reads: str = ""


class StageStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step as an instruction of a stage; several stages may have the same step.

    Args:
        step: Index into ``BuildRecord.steps``.
        line: First line of the instruction in the Dockerfile; 0 if it is not in it.
        end_line: Last line.
        name: For people, as this stage counts.
        source: Index of the stage that a ``COPY --from`` reads; -1 for anything else.
    """

    step: int
    line: int = 0
    end_line: int = 0
    name: str = ""
    source: int = -1

    @property
    def instruction(self) -> str:
        """The instruction with its variables expanded: ``RUN make``."""
        return self.name.partition("] ")[2] if self.name.startswith("[") else self.name


class StageRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stage.

    Args:
        index: Its place in the Dockerfile.
        name: As ``AS`` says; empty without one.
        base_name: What FROM names.
        line: Of its FROM.
        needed: Whether the target needs it; the rest is empty if not.
        parent: Index of the stage that FROM names; -1 if it names none.
        steps: Its own, in order; an image that FROM names is the first.
        used_by: (stage, how) pairs, as in ``plan.graph.StageSummary``.
    """

    index: int
    name: str = ""
    base_name: str = ""
    line: int = 0
    needed: bool = False
    parent: int = -1
    steps: tuple[StageStep, ...] = ()
    used_by: tuple[tuple[int, str], ...] = ()

    @property
    def label(self) -> str:
        """Its name, or its number."""
        return self.name or str(self.index)


class StackLayer(msgspec.Struct, frozen=True):
    """A layer of a stage's root file system, and the instruction that made it.

    Args:
        layer: Its name.
        stage: The stage whose instruction made it, which may be one that the stage is FROM.
        instruction: That instruction.
        step: What it was.
    """

    layer: LayerId
    stage: int
    instruction: StageStep
    step: StepRecord

    @property
    def is_base(self) -> bool:
        """Whether it came with a base image."""
        return self.step.kind is StepKind.IMAGE


class BuildRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a build.

    Args:
        version: Of this form.
        steps: Each after those that it needs.
        stages: In the order of the Dockerfile.
        target: Index of the stage that the image is.
        dockerfile: Its path or name.
        source: Its text; empty if it is longer than ``MAX_SOURCE_BYTES``.
        platform: ``os/architecture[/variant]``.
    """

    steps: tuple[StepRecord, ...]
    stages: tuple[StageRecord, ...]
    target: int
    dockerfile: str = ""
    source: str = ""
    platform: str = ""
    version: int = RECORD_VERSION

    def stack(self, stage: int) -> tuple[StackLayer, ...]:
        """Return the layers of a stage's root file system, base first."""
        record = self.stages[stage]
        found = list(self.stack(record.parent)) if record.parent >= 0 else []
        for each in record.steps:
            step = self.steps[each.step]
            found += [StackLayer(layer, stage, each, step) for layer in step.layers]
        return tuple(found)


MAX_SOURCE_BYTES = 1 << 18

_decoder = msgspec.msgpack.Decoder(BuildRecord)


def encode_record(record: BuildRecord) -> bytes:
    """Return the stored form; equal records have equal ones."""
    return msgspec.msgpack.encode(record)


def decode_record(data: bytes) -> BuildRecord:
    """Return a record from its stored form.

    Raises:
        ValueError: it is damaged, or of another version.
    """
    try:
        record = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"a damaged build record: {error}") from error
    if record.version != RECORD_VERSION:
        raise ValueError(f"a build record of version {record.version}")
    return record
