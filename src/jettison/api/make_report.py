"""Makes the report of an image from what is known of its build.

In:  a session, an image.
Out: a ``Report``; ``api.report`` keeps it.
"""

from __future__ import annotations

from jettison import __version__
from jettison.api.digests import FileDigests
from jettison.api.facts import directories, root_facts
from jettison.api.roots import Roots
from jettison.api.session import Session
from jettison.errors import StorageError
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.redact import redacted
from jettison.provenance.record import BuildRecord
from jettison.provenance.totals import totals
from jettison.report.assembly.image import (
    ImageFacts,
    counterfactual,
    image_of,
    layers_of,
)
from jettison.report.assembly.left import LeftFiles
from jettison.report.assembly.origins import ImageFiles
from jettison.report.assembly.stages import LayerSize, crossings, stages
from jettison.report.assembly.surface import packages, surface_change
from jettison.report.assembly.waste import caches, duplicates, waste
from jettison.report.model import Cache, Dockerfile, Report
from jettison.report.tree import tree_of
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId


def make_report(session: Session, image: StoredImage, roots: Roots, *, details: bool) -> Report:
    """Return the report of an image.

    Args:
        session: The store.
        image: It.
        roots: Its root file systems, and those of its stages.
        details: Whether it has the image's files and sums of them.

    Raises:
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had, or what it holds is not
            known and is not to be read.
    """
    provenance = roots.provenance
    record = provenance.record
    left, files = LeftFiles(), ImageFiles(record)
    sums = totals(provenance, _Observer(left, files))
    if not sums.is_complete:
        raise StorageError("what some layers hold is not known here", hint="build with `--report`")
    sizes = _sizes(session, record)
    config = decode(ImageConfig, image.config)
    facts = ImageFacts(
        id=image.id,
        platform=record.platform or f"{config.os}/{config.architecture}",
        user=config.config.user or "",
        diff_ids=tuple(each.diff_id for each in image.layers),
    )
    visible = provenance.image.visible
    layers = layers_of(record, facts, visible, sizes)
    stack_bytes = {
        each.stage: sum(
            sizes.get(layer.layer, LayerSize()).bytes for layer in record.stack(each.stage)
        )
        for each in sums.stages
    }
    other = counterfactual(record, sums, stack_bytes)
    names = {each.index: each.label for each in record.stages}
    before_name = other.primary if other is not None else ""
    before_stage = next((index for index, name in names.items() if name == before_name), None)
    after = root_facts(session, roots, record.target)
    before = root_facts(session, roots, before_stage) if before_stage is not None else None
    from_base = {
        each.index: 0
        for each in record.stages
        if each.needed and each.parent < 0 and each.index != record.target
    }
    from_base.update(
        (each.stage, each.amount.bytes) for each in sums.images if each.stage in from_base
    )
    root = tree_of(files.files(visible)) if details else None  # before its origins are listed
    return Report(
        version=__version__,
        image=image_of(record, facts, layers, sums),
        stages=stages(record, sums, sizes),
        cache=Cache(0, 0, 0.0, tuple(each.label for each in record.stages if not each.needed)),
        crossings=crossings(record, sums),
        left_behind=left.lines(sums.stages, from_base, names),
        counterfactual=other,
        surface=(
            surface_change(after, names[record.target], before, before_name)
            if after is not None
            else None
        ),
        waste=waste(record, visible, FileDigests(session, provenance.image, read=roots.read)),
        duplicates=duplicates(visible) if details else (),
        caches_left=caches(visible),
        packages=packages(after, before) if after is not None else (),
        directories=directories(roots) if details else (),
        origins=files.origins(),
        tree=root,
        dockerfile=Dockerfile(record.dockerfile, redacted(record.source)),
    )


class _Observer:
    """Sees where files end up while the sums are made."""

    def __init__(self, left: LeftFiles, files: ImageFiles) -> None:
        self.left = left.add
        self.produced = files.add


def _sizes(session: Session, record: BuildRecord) -> dict[LayerId, LayerSize]:
    """Return sizes of all layers of a build, as far as they are known."""
    names = dict.fromkeys(layer for step in record.steps for layer in step.layers)
    found = {}
    for name in names:
        facts = session.store.layers.find(name).facts
        if facts is not None:
            found[name] = LayerSize(facts.size_bytes, facts.entries)
    return found
