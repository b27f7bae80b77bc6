"""``manifest create``, ``add``, ``annotate``, ``remove``, ``push`` and ``rm``: lists in the store.

In:  a session, names of lists and images.
Out: indexes under names; what they name stays where it is: of images in registries, manifests are
     fetched, and no layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from jettison.api.compile import shown, this_platform
from jettison.api.copy import open_destination, opened_source
from jettison.api.output import services
from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, InvalidManifestError, UsageError
from jettison.events import Progress, Sink
from jettison.exporter.copying.base import CopiedManifest, CopySource
from jettison.exporter.copying.collect import Selection, collect
from jettison.exporter.copying.from_store import ListSource
from jettison.exporter.copying.place import BARE, REGISTRY, STORE, destination, parse_place
from jettison.exporter.copying.verified import small_blob
from jettison.image.document import decode_config
from jettison.image.lists import find_list
from jettison.image.manifest import image_platform
from jettison.image.names import tag_reference
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode, encode
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.mediatype import CONFIGS, OCI_INDEX
from jettison.oci.platform import Platform
from jettison.oci.reference import parse_reference
from jettison.store.lists import StoredList

_MOST_IMAGES = 1024


class Annotated(msgspec.Struct, frozen=True):
    """What is said of an image of a list; what is empty stays as it is.

    Args:
        os, architecture, variant, os_version: Parts of its platform.
        os_features: Of its platform.
        annotations: Of its descriptor.
    """

    os: str = ""
    architecture: str = ""
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    annotations: Mapping[str, str] = {}

    def applied(self, descriptor: Descriptor) -> Descriptor:
        """Return a descriptor of which this is said.

        Raises:
            UsageError: its platform would have no architecture.
        """
        platform = descriptor.platform or Platform("", "")
        given = {
            name: value
            for name in ("os", "architecture", "variant", "os_version", "os_features")
            if (value := getattr(self, name))
        }
        if given:
            platform = msgspec.structs.replace(platform, **given)
            if not (platform.os and platform.architecture):
                raise UsageError(
                    f"the platform of `{descriptor.digest}` is not known",
                    hint="give it --os and --arch",
                )
        return msgspec.structs.replace(
            descriptor,
            platform=platform if given else descriptor.platform,
            annotations={**descriptor.annotations, **self.annotations},
        )


def create_list(
    session: Session,
    name: str,
    images: Sequence[str],
    *,
    amend: bool = False,
    everything: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> str:
    """Make a list, or add to one that is there; return its full name.

    Args:
        session: Has the store and the client.
        name: Of the list.
        images: Names in the store or a registry, or places, as ``copy`` takes them.
        amend: There may be such a list, which is added to.
        everything: Of an index all images; else this machine's.
        annotations: Of the index.

    Raises:
        UsageError: there is such a list.
        ImageNotFoundError: an image is not there.
        SourceError, ContentError: a manifest cannot be had.
    """
    full = str(tag_reference(name))
    known = session.store.lists.get(full)
    if known is not None and not amend:
        raise UsageError(
            f"there is a manifest list `{name}`",
            hint="add to it with --amend, or remove it with `jettison manifest rm`",
        )
    made = known or StoredList(encode(Index((), media_type=OCI_INDEX)), OCI_INDEX)
    for image in images:
        made = _with_image(session, made, image, Annotated(), everything=everything)
    if annotations:
        index = decode(Index, made.data)
        notes = {**index.annotations, **annotations}
        made = _with_index(made, msgspec.structs.replace(index, annotations=notes))
    session.store.lists.put(full, made)
    return full


def add_to_list(
    session: Session, name: str, images: Sequence[str], said: Annotated, *, everything: bool
) -> Digest:
    """Add images to a list; return the digest of the last; see ``create_list``.

    Raises:
        ImageNotFoundError: there is no such list or image.
    """
    full, made, _ = find_list(session.store, name)
    for image in images:
        made = _with_image(session, made, image, said, everything=everything)
    session.store.lists.put(full, made)
    return decode(Index, made.data).manifests[-1].digest


def annotate_list(session: Session, name: str, image: str, said: Annotated) -> None:
    """Say what an image of a list is for; an empty image says it of the index.

    Raises:
        ImageNotFoundError: there is no such list, or it has no such image.
        UsageError: the index is no image, and has no platform.
    """
    full, made, index = find_list(session.store, name)
    if not image:
        if msgspec.structs.replace(said, annotations={}) != Annotated():
            raise UsageError("an index has annotations only", hint="name one of its images")
        notes = {**index.annotations, **said.annotations}
        index = msgspec.structs.replace(index, annotations=notes)
    else:
        wanted = _member(made, index, image)
        entries = tuple(
            said.applied(each) if each.digest == wanted else each for each in index.manifests
        )
        index = msgspec.structs.replace(index, manifests=entries)
    session.store.lists.put(full, _with_index(made, index))


def remove_from_list(session: Session, name: str, image: str) -> Digest:
    """Take an image out of a list; return its digest.

    Raises:
        ImageNotFoundError: there is no such list, or it has no such image.
    """
    full, made, index = find_list(session.store, name)
    wanted = _member(made, index, image)
    entries = tuple(each for each in index.manifests if each.digest != wanted)
    session.store.lists.put(
        full, _with_index(made, msgspec.structs.replace(index, manifests=entries))
    )
    return wanted


def has_list(session: Session, name: str) -> bool:
    """Tell whether there is a list of a name."""
    return session.store.lists.get(str(parse_reference(name))) is not None


def remove_lists(session: Session, names: Sequence[str]) -> list[str]:
    """Remove lists, all or none; images stay. Return their full names.

    Raises:
        ImageNotFoundError: there is no such list.
    """
    found = [find_list(session.store, name)[0] for name in names]
    for each in found:
        session.store.lists.remove(each)
    return found


def push_list(
    session: Session, name: str, target: str, sink: Sink, *, purge: bool = False
) -> Digest:
    """Write a list with all its images somewhere; return its digest.

    Args:
        session: Has the store and the client.
        name: Of the list.
        target: A place as ``copy`` takes them; empty for the registry that the name tells.
        sink: Gets events.
        purge: Forget the list afterwards.

    Raises:
        ImageNotFoundError: there is no such list, or an image of it is gone.
        RegistryError, ExportError: it cannot be written.
    """
    full, made, _ = find_list(session.store, name)
    place = parse_place(target) if target else parse_place(f"docker://{name}")
    written = open_destination(session, destination(place))

    def work(report: Progress) -> Digest:
        source = ListSource(services(session), made)
        contents = collect(source, Selection(this_platform(), everything=True), name=name)
        written.write(contents, source, report)
        return contents.root.descriptor.digest

    digest = shown(sink, f"pushing {parse_reference(full).familiar}", work)
    if purge:
        session.store.lists.remove(full)
    return digest


def _with_image(
    session: Session, made: StoredList, image: str, said: Annotated, *, everything: bool
) -> StoredList:
    """Return a list with an image more; its manifests are in the store then."""
    place = parse_place(image)
    if place.transport not in {BARE, REGISTRY, STORE}:
        raise UsageError(
            f"`{image}` is neither in the store nor in a registry",
            hint=f"copy it first: `jettison copy {image} store:NAME`",
        )
    selection = Selection(this_platform(), everything=everything)
    with opened_source(session, place, selection) as source:
        contents = collect(source, selection, name=image)
        kept = contents.manifests
        # The store keeps manifests; of an index, what it names takes its place.
        added = [each for each in kept if not _is_index(each)]
        described = [said.applied(_described(each, source)) for each in added]
        near = [next(filter(None, map(source.near, each.blobs)), None) for each in added]
        for each, at in zip(added, near, strict=True):
            session.store.blobs.put(each.data)
            if at is None:  # the image may be removed from the store, its list not
                config = decode(Manifest, each.data).config
                session.store.blobs.put(small_blob(source, config, MAX_DOCUMENT_BYTES))
    index = decode(Index, made.data)
    new = {each.digest: each for each in described}
    entries = tuple(new.pop(each.digest, each) for each in index.manifests)
    if len(entries) + len(new) > _MOST_IMAGES:
        raise InvalidManifestError(f"a manifest list has at most {_MOST_IMAGES} images")
    sources = {
        each.digest: str(at) for each, at in zip(described, near, strict=True) if at is not None
    }
    names = dict(made.names)
    if len(described) == 1:
        names[_full(image)] = described[0].digest
    index = msgspec.structs.replace(index, manifests=(*entries, *new.values()))
    return msgspec.structs.replace(
        made, data=encode(index), sources={**made.sources, **sources}, names=names
    )


def _described(made: CopiedManifest, source: CopySource) -> Descriptor:
    """Return the descriptor of a manifest in a list: an image's has a platform."""
    descriptor = msgspec.structs.replace(made.descriptor, urls=())
    manifest = decode(Manifest, made.data)
    if descriptor.platform is not None or manifest.config.media_type not in CONFIGS:
        return descriptor
    config = small_blob(source, manifest.config, MAX_DOCUMENT_BYTES)
    decode_config(manifest, config)
    return msgspec.structs.replace(descriptor, platform=image_platform(config))


def _is_index(made: CopiedManifest) -> bool:
    return "manifests" in msgspec.json.decode(made.data, type=dict[str, msgspec.Raw])


def _with_index(made: StoredList, index: Index) -> StoredList:
    return msgspec.structs.replace(made, data=encode(index))


def _member(made: StoredList, index: Index, image: str) -> Digest:
    """Return the digest of an image of a list, named as when it was added, or by its digest."""
    wanted = made.names.get(_full(image)) or image.rpartition("@")[2]
    for each in index.manifests:
        if each.digest == wanted:
            return each.digest
    has = ", ".join(f"`{each.digest}`" for each in index.manifests[:5])
    raise ImageNotFoundError(
        f"the list has no image `{image}`", hint=f"it has {has}" if has else "it has none"
    )


def _full(image: str) -> str:
    """Return an image's name in full, or the text of a digest or place as it is."""
    if image.startswith("sha256:"):
        return image
    reference = parse_place(image).reference
    return str(reference) if reference is not None else image.removeprefix("store:")
