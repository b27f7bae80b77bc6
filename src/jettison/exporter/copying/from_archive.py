"""Archives that images are copied from: OCI layouts as tars, and those that docker writes.

In:  a place: path of a tar, also compressed, or of a pipe.
Out: a layout whose blobs are members of the tar, read where they are.

An archive of docker that is no layout has no manifest: one is made, of OCI's types, that names its
config and its layers as they are.

Security: nothing is unpacked. Names are looked up, links only alias members; documents are
bounded, and blobs compared with their digests by who reads them.
"""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import stat
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec

from jettison.errors import ImageNotFoundError, InvalidManifestError, SourceError
from jettison.exporter.copying.place import DOCKER_ARCHIVE, Place
from jettison.exporter.outputs import STANDARD_OUTPUT
from jettison.image.archive import DockerImage, clean_name, decode_docker_manifest
from jettison.image.layout import DOCKER_MANIFEST, IMAGE_NAME, OciLayout
from jettison.layer.decompress import detect, open_decompressed
from jettison.layer.header import FILE, HARD_LINK, SYMLINK
from jettison.layer.limits import ArchiveLimits
from jettison.layer.reader import TarReader
from jettison.oci import mediatype
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode, encode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.layout import INDEX, REF_NAME, blob_name
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.reference import parse_reference

_LIMITS = ArchiveLimits(max_entries=1_000_000)
_MAX_LINKS = 10
_CHUNK_BYTES = 1 << 20
_START_BYTES = 6


class Section(io.RawIOBase):
    """A part of a file as a file of its own.

    Args:
        descriptor: Of the file, which stays open.
        offset: Where it begins.
        size: In bytes.
    """

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._offset = offset
        self.size = size
        self._at = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from any offset."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to an offset."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Read the next bytes; return how many."""
        count = max(min(len(buffer), self.size - self._at), 0)
        place = memoryview(buffer)[:count]
        found = os.preadv(self._descriptor, [place], self._offset + self._at)
        self._at += found
        return found


class TarLayout(OciLayout):
    """A layout whose files are members of a tar; close it when nothing reads it any more.

    Args:
        place: The tar.
        directory: Where a copy is made of what is compressed, or no file.

    Raises:
        SourceError: it cannot be read.
        UnsafeArchiveError: it is no tar, or a hostile one.
        ImageNotFoundError: there is no image in it.
    """

    def __init__(self, place: Place, directory: Path) -> None:
        super().__init__(place.path)
        self._place = place
        self._members: dict[str, Section] = {}
        self._links: dict[str, str] = {}
        self._made: dict[Digest, bytes] = {}
        self._named: dict[Digest, str] = {}
        try:
            self._file = _opened(place.path, directory)
        except OSError as error:
            raise _unreadable(place, error) from error
        try:
            self._scan()
            self._index = self._read_index()
        except OSError as error:
            self.close()
            raise _unreadable(place, error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the tar."""
        self._file.close()

    def index(self) -> Index:
        """Return ``index.json``, or what stands for it."""
        return self._index

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob.

        Raises:
            ImageNotFoundError: it is not there.
        """
        if digest in self._made:
            return io.BytesIO(self._made[digest])
        return io.BufferedReader(self._member(self._named.get(digest) or blob_name(digest)))

    def has(self, digest: Digest) -> bool:
        """Tell whether a blob is there."""
        try:
            self.open(digest).close()
        except ImageNotFoundError:
            return False
        return True

    def _scan(self) -> None:
        reader = TarReader(self._file, _LIMITS)
        for entry in reader:
            name = clean_name(entry.name.decode("utf-8", "surrogateescape"))
            if entry.kind in {SYMLINK, HARD_LINK}:
                target = entry.link.decode("utf-8", "surrogateescape")
                base = posixpath.dirname(name) if entry.kind == SYMLINK else ""
                self._links[name] = clean_name(posixpath.join(base, target))
            elif entry.kind == FILE and entry.sparse is None:
                at = reader.data_offset
                self._members[name] = Section(self._file.fileno(), at, entry.size)

    def _member(self, name: str) -> Section:
        """Return a member by its name, through links, from its beginning."""
        found = clean_name(name)
        for _ in range(_MAX_LINKS):
            if found in self._members:
                known = self._members[found]
                return Section(known._descriptor, known._offset, known.size)
            if found not in self._links:
                break
            found = self._links[found]
        raise ImageNotFoundError(
            f"the archive `{self.path}` lacks `{name[:200]}`",
            hint="save it again, it is incomplete",
        )

    def _document(self, name: str) -> bytes:
        member = self._member(name)
        if member.size > MAX_DOCUMENT_BYTES:
            raise InvalidManifestError(f"`{name[:200]}` of the archive is too large")
        return member.read(member.size) or b""

    def _read_index(self) -> Index:
        if INDEX in self._members:
            index = decode(Index, self._document(INDEX))
            if self._place.transport != DOCKER_ARCHIVE or not self._place.name:
                return index
            return self._by_full_name(index)
        if self._place.transport == DOCKER_ARCHIVE and DOCKER_MANIFEST in self._members:
            images = decode_docker_manifest(self._document(DOCKER_MANIFEST))
            return Index(tuple(each for image in images for each in self._of_docker(image)))
        other = DOCKER_MANIFEST in self._members
        raise ImageNotFoundError(
            f"`{self.path}` is no OCI archive: it has no `index.json`",
            hint=f"it is one of docker: write docker-archive:{self.path}" if other else None,
        )

    def _by_full_name(self, index: Index) -> Index:
        """Return an index whose entries have the names that docker's list gives them."""
        named = []
        for each in index.manifests:
            full = each.annotations.get(IMAGE_NAME, "")
            notes = {**each.annotations}
            if full:
                notes[REF_NAME] = parse_reference(full).familiar
            named.append(msgspec.structs.replace(each, annotations=notes))
        return Index(tuple(named))

    def _of_docker(self, image: DockerImage) -> list[Descriptor]:
        """Return the entries of an image that has no manifest, one a name, and make one."""
        config_data = self._document(image.config)
        config = decode(ImageConfig, config_data)
        if len(config.rootfs.diff_ids) != len(image.layers):
            raise InvalidManifestError(
                f"`{DOCKER_MANIFEST}` names {len(image.layers)} layers, the config"
                f" {len(config.rootfs.diff_ids)}"
            )
        digest = sha256_digest(config_data)
        self._made[digest] = config_data
        layers = tuple(map(self._layer, image.layers))
        manifest = Manifest(
            Descriptor(mediatype.OCI_CONFIG, digest, len(config_data)),
            layers,
            media_type=mediatype.OCI_MANIFEST,
        )
        data = encode(manifest)
        made = sha256_digest(data)
        self._made[made] = data
        names = [{REF_NAME: parse_reference(each).familiar} for each in image.repo_tags or ()]
        return [
            Descriptor(mediatype.OCI_MANIFEST, made, len(data), annotations=each)
            for each in names or [{}]
        ]

    def _layer(self, name: str) -> Descriptor:
        member, hashing = self._member(name), hashlib.sha256()
        start = member.read(_START_BYTES) or b""
        compression = detect(start)
        if compression not in mediatype.OCI_LAYERS:
            raise InvalidManifestError(f"layers compressed with {compression} are not supported")
        member.seek(0)
        while data := member.read(_CHUNK_BYTES):
            hashing.update(data)
        digest = Digest(f"sha256:{hashing.hexdigest()}")
        self._named[digest] = name
        return Descriptor(mediatype.OCI_LAYERS[compression], digest, member.size)


def _unreadable(place: Place, error: OSError) -> SourceError:
    why = (error.strerror or str(error)).lower()
    return SourceError(f"cannot read `{place.path}`: {why}")


def _opened(path: str, directory: Path) -> BinaryIO:
    """Open a tar that can be read anywhere; what is compressed or a pipe is copied first.

    Raises:
        OSError: it cannot be read.
        SourceError: it is a device.
    """
    with ExitStack() as opened:
        name = "/dev/stdin" if path == STANDARD_OUTPUT else path
        file = opened.enter_context(open(name, "rb"))
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode):
            compression = detect(file.read(_START_BYTES))
            file.seek(0)
            if compression == "none":
                opened.pop_all()
                return file
        if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
            raise SourceError(f"cannot read `{path}`: it is a device")
        spooled = opened.enter_context(tempfile.TemporaryFile(dir=directory))
        with open_decompressed(file) as tar:
            while data := tar.read(_CHUNK_BYTES):
                spooled.write(data)
        spooled.seek(0)
        opened.pop_all()
        file.close()
        return spooled
