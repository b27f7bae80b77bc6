"""Requests and results of the functions of ``api``.

In:  what a command line, a service or Python code wants, already parsed but not yet checked.
Out: frozen structs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from jettison.api.probed import Probed
from jettison.attest.request import AttestRequest, KeylessRequest
from jettison.exporter.outputs import OutputRequest
from jettison.findings.finding import Finding
from jettison.linux.resources import Resources
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.remote.options import CacheExport, CacheImport
from jettison.store.layer import LayerId
from jettison.why.explanation import Explanation


class SecretRequest(msgspec.Struct, frozen=True):
    """``--secret id=…,src=FILE`` or ``env=NAME``; a bare id is looked for in both."""

    id: str
    source: str = ""
    env: str = ""


STEP_LOG_BYTES = 2 << 20
"""Most bytes of a step's output that are shown unless somebody asks for more, as in BuildKit."""


KNOWN, SUMS, ALL = "known", "sums", "all"
"""Values of ``BuildRequest.report``."""


class BuildRequest(msgspec.Struct, frozen=True):
    """A build.

    Args:
        context: Directory, ``-``, git URL, http URL.
        dockerfile: ``-f``: path relative to the working directory, ``-`` is standard input;
            empty means ``Dockerfile`` in the context.
        stdin: Bytes of standard input when ``context`` or ``dockerfile`` is ``-``.
        tags: References for the local store.
        build_args: None values are taken from the environment by the caller before.
        contexts: ``--build-context`` name to text as written (path, ``docker-image://…``,
            ``oci-layout://…``, URL, ``target:…``).
        outputs: Where the image goes; the local store if there are none.
        platforms: Empty means this machine's.
        pull: Ask the registry for every image.
        secrets_in_layers: Whether RUN may write secrets into layers; it fails the build else.
        push: Push all tags afterwards.
        resources: What each RUN may use.
        security_opts: As of ``RunRequest``, for each RUN; in no cache key.
        step_timeout_seconds: A RUN that takes longer fails; 0 is no limit.
        step_log_bytes: Most bytes of a RUN's output that are shown; 0 is all.
        report: ``all`` for a report, ``sums`` for one without the image's files; ``known`` for one
            of what is at hand, if a step ran; empty for none, unless there are limits.
        counterfactual: ``computed``, or ``build``: what a single stage would ship.
        gates: Limits by name, as ``report.limits`` reads them, over those of the files beside the
            Dockerfile.
        baseline: What growth is measured against: a file of a report, or an image; empty for the
            last build of the same tag.
        attach_report: Whether the report goes beside the image into its registry, after a push.
        explain: Whether to find out why steps ran, and to tell it as events.
        trace_inputs: Whether to note which copied files each RUN opens.
        checks: Of the image: ``none``; ``warn`` tells what they find, ``error`` fails the build for
            an error, ``warning`` for a warning, too; empty is what ``jettison.toml`` says, else
            ``warn``.
        probe: What the image must do before it is tagged: run for ``3s``, answer at
            ``http://:8080/healthz``, or have a command of it end with 0; empty is nothing.
        attest: What is said of the image where it is pushed or written.
        sign: Private key that signs what is pushed, and what is said of it, or how that is done
            without one; empty is not.
        part_of: Which set the image is a part of, that other machines complete; empty for none.
        parts: The platforms of that set.
        reproducible: Whether the image is to be the same wherever it is built: all times of what
            the build makes are SOURCE_DATE_EPOCH, 1970 without one, and no bytes depend on the
            processor.
        verify_reproducible: Whether to build twice, and to fail if the images differ.
        squash: Whether the layers of the build become one.
        cache_from: Caches elsewhere that are read, the first ones first.
        cache_to: Those that are written.
    """

    context: str
    dockerfile: str = ""
    stdin: bytes = b""
    target: str = ""
    tags: tuple[str, ...] = ()
    build_args: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    contexts: Mapping[str, str] = {}
    outputs: tuple[OutputRequest, ...] = ()
    platforms: tuple[str, ...] = ()
    no_cache: bool = False
    no_cache_stages: tuple[str, ...] = ()
    pull: bool = False
    push: bool = False
    network: str = "default"
    extra_hosts: tuple[str, ...] = ()
    secrets: tuple[SecretRequest, ...] = ()
    secrets_in_layers: bool = False
    ssh: tuple[str, ...] = ()
    allow: frozenset[str] = frozenset()
    ulimits: tuple[str, ...] = ()
    shm_bytes: int = 0
    resources: Resources = Resources()
    security_opts: tuple[str, ...] = ()
    step_timeout_seconds: float = 0.0
    step_log_bytes: int = STEP_LOG_BYTES
    offline: bool = False
    report: str = ""
    counterfactual: str = "computed"
    gates: Mapping[str, str] = {}
    baseline: str = ""
    attach_report: bool = False
    explain: bool = False
    trace_inputs: bool = False
    checks: str = ""
    probe: str = ""
    attest: AttestRequest = AttestRequest()
    sign: str | KeylessRequest = ""
    part_of: str = ""
    parts: tuple[str, ...] = ()
    reproducible: bool = False
    verify_reproducible: bool = False
    squash: bool = False
    cache_from: tuple[CacheImport, ...] = ()
    cache_to: tuple[CacheExport, ...] = ()


class StageReport(msgspec.Struct, frozen=True):
    """A stage after the build; sizes are bytes of regular files in its root file system.

    A layer that was never here as files counts by the size of its blob.

    Args:
        name: Stage name, or its index as text.
        base: What its FROM names.
        needed: Whether the target needed it.
        size_bytes: Its whole root file system, base included.
        shipped_bytes: How much of what it made is in the final image.
        final: Whether it is the target.
    """

    index: int
    name: str
    base: str
    needed: bool
    final: bool
    size_bytes: int = 0
    own_bytes: int = 0
    shipped_bytes: int = 0


class BuildResult(msgspec.Struct, frozen=True):
    """A finished build.

    Args:
        image_id: Digest of the config.
        tags: Normalised references that now name the image, here or where it was written to.
        manifest: Digest of the pushed or exported manifest, if one was made.
        descriptor: What that manifest is: its media type, digest, size and annotations.
        executed: Vertices that ran.
        cached: Vertices that were found in the cache.
        stages: In file order.
        layers: Of the final image, base first.
        contents: What each of them holds, but for times that say only when a step ran: equal for
            builds whose steps gave equal results.
        size_bytes: Sum of regular files of all layers; of a layer that was never here as files,
            of its blob.
        explanation: Why steps ran, if the request asked for that.
        findings: What checks of the image found, errors first.
        probed: What a start of the image came to, if the request asked for one.
        provenances: Predicates of the build's provenance by platform, if the request asked for
            them; the last one is for the platform that a name stands for.
        images: The image of each platform; the other fields tell of this machine's, else the first.
        index: Of all parts, if this build was the one that completed them.
        missing_parts: Platforms that other machines have still to push.
        left_tags: Records of parts that the registry does not delete.
    """

    image_id: Digest
    tags: tuple[str, ...] = ()
    manifest: Digest | None = None
    descriptor: Descriptor | None = None
    executed: int = 0
    cached: int = 0
    stages: tuple[StageReport, ...] = ()
    layers: tuple[LayerId, ...] = ()
    contents: tuple[str, ...] = ()
    size_bytes: int = 0
    explanation: Explanation | None = None
    findings: tuple[Finding, ...] = ()
    probed: Probed | None = None
    provenances: Mapping[str, Mapping[str, Any]] = {}
    images: Mapping[str, Digest] = {}
    index: Digest | None = None
    missing_parts: tuple[str, ...] = ()
    left_tags: tuple[str, ...] = ()

    @property
    def provenance(self) -> Mapping[str, Any] | None:
        """The predicate for the platform that a name stands for; None without one."""
        return next(iter([*self.provenances.values()][::-1]), None)

    def __repr__(self) -> str:
        """Say what a notebook's user wants to know."""
        from jettison.console.plain import size  # only people read this

        return (
            f"BuildResult(image_id={self.image_id!r}, tags={self.tags!r}, "
            f"size={size(self.size_bytes)}, executed={self.executed}, cached={self.cached})"
        )


class ImageSummary(msgspec.Struct, frozen=True):
    """A row of ``jettison images``; ``size_bytes`` is uncompressed."""

    repository: str
    tag: str
    id: Digest
    created: str
    size_bytes: int
    digest: Digest | None = None
