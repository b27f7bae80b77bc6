"""Moving images: to archives and back, to registries and back.

In:  names as users write them, paths.
Out: lines and names for people; digests.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from jettison.api.compile import shown, this_platform
from jettison.api.images import chosen_images
from jettison.api.output import services
from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, UsageError
from jettison.events import Progress, Sink
from jettison.exporter.catalog import make_exporter
from jettison.exporter.layout_contents import build_set
from jettison.exporter.options import pushed_options
from jettison.exporter.outputs import RegistryOutput
from jettison.image.parallel import Stop, run_parallel
from jettison.oci.digest import Digest
from jettison.oci.platform import parse_platform
from jettison.oci.reference import Reference, parse_reference
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId

_DOWNLOADS = 4


def save(session: Session, names: Sequence[str], output: str, platform: str = "") -> None:
    """Write images to one archive that docker, podman and Jettison load; ``-`` is stdout.

    Of a name for several platforms all go in, or that for ``platform``.

    Raises:
        ImageNotFoundError, PlatformNotFoundError: a name is unknown; nothing is written.
        ExportError: the archive cannot be written.
    """
    from jettison.exporter.save import save_images

    session.require_namespace()  # layers that were never packed are read as files of all owners
    images = [(name, chosen_images(session, name, platform)) for name in names]
    save_images(images, output, services(session))


def load(session: Session, origin: str, platform: str = "") -> list[str]:
    """Load the images of an archive or a layout; ``-`` is stdin.

    Args:
        session: The store.
        origin: Path, or ``-``.
        platform: What is taken of images for several; this machine's if there is none.

    Returns:
        A line an image, as docker prints it.

    Raises:
        SourceError, ContentError: it cannot be read, or is damaged; nothing is loaded then.
    """
    from jettison.image.load import load as load_images

    source = sys.stdin.buffer if origin == "-" else Path(origin)
    wanted = parse_platform(platform) if platform else this_platform()
    lines = []
    for each in load_images(session.store, source, wanted):
        names = [parse_reference(name).familiar for name in each.names]
        lines += [f"Loaded image: {name}" for name in names] or [
            f"Loaded image ID: {each.image.id}"
        ]
    return lines


def pull(session: Session, name: str, platform: str, sink: Sink) -> tuple[str, Digest | None]:
    """Pull an image with all its layers; return its full name and its manifest's digest.

    Raises:
        ImageNotFoundError, PlatformNotFoundError, RegistryError: it cannot be had.
    """
    reference = parse_reference(name)
    wanted = parse_platform(platform) if platform else this_platform()

    def work(report: Progress) -> tuple[str, Digest | None]:
        found = session.resolver().resolve(name, wanted, pull=True, builds=False)

        def fetch(layer: LayerId, _stop: Stop) -> None:
            session.blobs.blob(layer, report=report)

        for each in found.image.layers:
            _announce(session, each.layer, report)

        run_parallel([partial(fetch, each.layer) for each in found.image.layers], limit=_DOWNLOADS)
        manifest = found.image.manifest
        return str(reference), manifest.digest if manifest is not None else None

    return shown(sink, f"pulling {reference.familiar}", work)


def names_in_registry(session: Session, name: str) -> list[str]:
    """Return all tagged names that a registry has of a repository.

    Raises:
        UsageError: the name has a tag or a digest.
        RegistryError: the registry does not say.
    """
    reference = _repository(name)
    tags = session.registry().tags(reference)
    return [str(msgspec.structs.replace(reference, tag=tag)) for tag in tags]


def names_in_store(session: Session, name: str) -> list[str]:
    """Return all tagged names that the store has of a repository.

    Raises:
        UsageError: the name has a tag or a digest.
        ImageNotFoundError: there are none.
    """
    reference = _repository(name)
    prefix = f"{reference.name}:"
    found = [tag for tag in session.store.images.tags() if tag.startswith(prefix)]
    if not found:
        raise ImageNotFoundError(
            f"no tag of `{name}` in the local store",
            hint="run `jettison images` to see its names",
        )
    return found


def _repository(name: str) -> Reference:
    reference = parse_reference(name)
    if reference.digest is not None or name.rpartition("/")[2].count(":"):
        raise UsageError("tag can't be used with --all-tags/-a", hint="leave the tag out")
    return reference


def _announce(session: Session, layer: LayerId, report: Progress) -> None:
    """Report a layer with what of it is here, so that it is known how many there are."""
    known = session.store.layers.find(layer)
    here = next(iter(known.blobs.values()), None)
    if here is not None:
        report(here.digest, here.size, here.size)
    elif known.remote is not None:
        report(known.remote.descriptor.digest, 0, known.remote.descriptor.size)


def push(
    session: Session, name: str, output: RegistryOutput, sink: Sink, platform: str = ""
) -> Digest | None:
    """Push an image to the registry that its name tells; return the digest of what it names there.

    Of a name for several platforms that is an index of all, unless one is chosen. A digest in the
    name is an image's ID, or that of what is pushed: what was built, and tested since, is sent then
    or nothing is. A tag beside it moves; without one, none does.

    Raises:
        ImageNotFoundError, PlatformNotFoundError: the store does not have it.
        RegistryError: the registry refuses it.
    """
    images = _images_to_push(session, name, output, platform)
    reference = parse_reference(name)
    exporter = make_exporter(output, services(session), names=(reference,))
    if exporter is None:
        return None
    _require_packable(session, images)
    title = f"pushing {reference.familiar}"
    result = shown(sink, title, lambda report: exporter.export(images, report))
    return result.manifest.digest if result.manifest is not None else None


def _images_to_push(
    session: Session, name: str, output: RegistryOutput, platform: str
) -> Sequence[StoredImage]:
    """Return the images of a name; with a digest also those whose manifest or index will have it.

    Raises:
        ImageNotFoundError, PlatformNotFoundError: there are none.
    """
    try:
        return chosen_images(session, name, platform)
    except ImageNotFoundError:
        reference = parse_reference(name)
        if reference.digest is None:
            raise
        options = pushed_options(output, (reference,))
        for tag in session.store.images.tags():
            if not tag.startswith(f"{reference.name}:"):
                continue
            images = chosen_images(session, tag, platform)
            _require_packable(session, images)
            made = build_set(services(session), images, options, oci=options.oci)
            if made.root.digest == reference.digest:
                return images
        raise


def _require_packable(session: Session, images: Sequence[StoredImage]) -> None:
    layers = [each.layer for image in images for each in image.layers]
    if any(not session.store.layers.find(each).blobs for each in layers):
        session.require_namespace()
