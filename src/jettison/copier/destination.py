"""Where the files of a COPY or ADD go, and which facts of the base that depends on.

In:  the op, the base tree, the selection.
Out: ``Destination``: the planned layer, and a digest of the facts of the base that shaped it.

Two bases that give equal destinations give the same layer, so a COPY stays cached when its base
changed elsewhere. Links in the destination's path are followed inside the root, also dangling
ones; missing directories are made 0755, with the owner of ``--chown`` (else 0:0) and an octal
``--chmod`` up to 777, and take bit and group of a set-group-ID directory as mkdir(2) has it; a
directory that is there keeps its attributes, those below it take the source's.
``--link`` looks at nothing.

Source: Dockerfile reference, COPY and ADD; BuildKit's behaviour as its tests pin it.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping

import msgspec

from jettison.copier.content import Preimages
from jettison.copier.entry import SourceEntry, encoded_name, encoded_xattrs
from jettison.copier.layout import PlannedLayer
from jettison.copier.members import BaseFile, MemberPlan
from jettison.copier.mode import parse_mode
from jettison.copier.open import open_source_archive
from jettison.copier.passwd import Owner, resolve_owner
from jettison.copier.planned import Directory, InlineFile, LayerFile, SourceFile
from jettison.copier.same import Same, same_as_base
from jettison.copier.select import Selected, Selection
from jettison.errors import ContextError
from jettison.fs.glob import clean_path
from jettison.fs.tree import Scanning, Tree
from jettison.oci.digest import Digest, raw, sha256_digest
from jettison.plan.op import CopyOp, MkdirOp

DESTINATION_VERSION = b"jettison-destination-1\0"


class Mirrored(msgspec.Struct, frozen=True):
    """A directory of a context that is the only source, and taken whole and as it is.

    Args:
        tree: The context; it keeps notes.
        directories: It and those below it: path in the layer → path in the context.
    """

    tree: Scanning
    directories: Mapping[str, str]


class Destination(msgspec.Struct, frozen=True):
    """A layer as planned: all that is needed to write it.

    Args:
        owner: Whom all files will belong to; None keeps the owners.
        targets: Where each source of the selection goes.
        directories: By absolute path; the root is empty text.
        files: Likewise; not more than one for a path.
        archives: Sources that are unpacked, by index.
        whiteouts: Paths of the base that an archive removes.
        base: The base, if an archive links to its files, and these files.
        base_files: Of those links.
        same: What the base has just so.
        mirrored: The directory that is copied, if only one context shapes the layer.
    """

    owner: Owner | None
    targets: tuple[str, ...]
    directories: Mapping[str, Directory]
    files: Mapping[str, LayerFile]
    archives: Mapping[int, Selected] = {}
    whiteouts: frozenset[str] = frozenset()
    base: Tree | None = None
    base_files: tuple[BaseFile, ...] = ()
    same: Same = Same()
    mirrored: Mirrored | None = None

    def digest(self, kept: Preimages | None = None) -> Digest:
        """Return the digest of what the base contributes: no times, nothing that is copied.

        Args:
            kept: Gets what the digest is of.
        """
        directories = [
            (encoded_name(path), each.mode, each.uid, each.gid, encoded_xattrs(each.xattrs))
            for path, each in sorted(self.directories.items())
            if not each.copied or each.stat_of_base
        ]
        owner = None if self.owner is None else (self.owner.uid, self.owner.gid)
        targets = [encoded_name(each) for each in self.targets]
        record: tuple[object, ...]
        record = (owner, targets, directories, self._archive_record() if self.archives else None)
        if self.same.paths:
            record = (*record, [encoded_name(each) for each in self.same.paths], self.same.covered)
        encoded = msgspec.msgpack.encode(record)
        digest = sha256_digest(DESTINATION_VERSION + encoded)
        if kept is not None:
            kept[raw(digest)] = encoded
        return digest

    def _archive_record(self) -> tuple[object, ...]:
        """Return what became of archives: where a member goes depends on what is there."""
        directories = [
            (encoded_name(path), each.opaque) for path, each in sorted(self.directories.items())
        ]
        files = [
            (encoded_name(path), each.source, each.number)
            for path, each in sorted(self.files.items())
        ]
        whiteouts = [encoded_name(path) for path in sorted(self.whiteouts)]
        linked = [
            (
                (each.stat.mode, each.stat.uid, each.stat.gid, each.stat.rdev),
                encoded_xattrs(each.xattrs),
                self.base.file_digest(each.path) if self.base and each.stat.is_file else b"",
            )
            for each in self.base_files
        ]
        return (directories, files, whiteouts, linked)


def examine(op: CopyOp | MkdirOp, base: Tree, selection: Selection | None = None) -> Destination:
    """Plan the layer of an op.

    Args:
        op: The COPY, ADD or WORKDIR.
        base: The root file system below.
        selection: What a COPY or ADD takes.

    Raises:
        SolveError: something of another type is in the way.
        ContextError: ``--chown`` names nobody.
    """
    if isinstance(op, MkdirOp):
        return _examine_mkdir(op, base)
    owner = resolve_owner(op.owner, base) if op.owner is not None else None
    change = parse_mode(op.mode) if op.mode is not None else None
    # BuildKit has no --link together with --chmod: it copies onto the base then.
    layout = PlannedLayer(None if op.link and change is None else base)
    mode = 0o755
    # As in BuildKit, whose new directories have the usual mode where there are more bits to set.
    if change is not None and change.absolute is not None and change.absolute <= 0o777:
        mode = change.absolute
    maker = owner or Owner()
    made = Directory(stat.S_IFDIR | mode, maker.uid, maker.gid, takes_group=owner is None)
    sources = selection.sources if selection is not None else ()
    planner = _Planner(layout, op.dest, made, owner)
    targets = tuple(planner.place(index, source) for index, source in enumerate(sources))
    same = Same()
    if not op.link:
        same = same_as_base(layout, base, owner)
    return Destination(
        owner,
        targets,
        layout.directories,
        layout.files,
        planner.archives,
        frozenset(layout.whiteouts),
        base if planner.base_files else None,
        tuple(planner.base_files),
        same,
        planner.mirrored if len(sources) == 1 else None,
    )


def _examine_mkdir(op: MkdirOp, base: Tree) -> Destination:
    layout = PlannedLayer(base)
    target = layout.resolve(op.path)
    owner = Owner()
    if layout.mode(target) is None:
        try:
            owner = resolve_owner(op.owner, base)
        except ContextError:
            # A user that is not there yet is an error of the RUN that uses it, not of WORKDIR.
            owner = Owner()
    made = Directory(stat.S_IFDIR | 0o755, owner.uid, owner.gid, takes_group=not op.owner)
    layout.make_directories(target, made)
    return Destination(None, (target,), layout.directories, layout.files)


class _Planner:
    """Puts sources at one destination."""

    def __init__(
        self, layout: PlannedLayer, dest: str, made: Directory, owner: Owner | None
    ) -> None:
        self._layout = layout
        self._dest = dest
        self._made = made
        self._owner = owner
        self.archives: dict[int, Selected] = {}
        self.base_files: list[BaseFile] = []
        self.mirrored: Mirrored | None = None

    def place(self, index: int, source: Selected) -> str:
        """Plan one source and return where it goes."""
        layout = self._layout
        path = clean_path(self._dest)
        if source.unpack and not source.is_dir:
            unpacked = self._unpack(index, source, path)
            if unpacked is not None:
                return unpacked
        # The directory part is made first: a link in the rest of the path may lead into it.
        parent = path if self._dest.endswith(("/", "/.")) else path.rpartition("/")[0]
        layout.make_directories(layout.resolve(parent), self._made)
        target = layout.resolve(path)
        mode = layout.mode(target)
        if source.is_dir and source.tree is not None:
            if mode is None:
                layout.make_directories(target, self._made)
            self._contents(index, source, source.tree, target)
            return target
        if mode is not None and stat.S_ISDIR(mode):
            target = f"{target}/{source.name}"
        else:
            layout.make_directories(target.rpartition("/")[0], self._made)
        file: LayerFile = InlineFile(index, source.mode, source.content)
        if source.tree is not None:
            file = SourceFile(index, 0, source.tree, source.entries[0])
        layout.put(target, file)
        return target

    def _unpack(self, index: int, source: Selected, path: str) -> str | None:
        """Plan the members of an archive; None if the source is none."""
        archive = open_source_archive(source)
        if archive is None:
            return None
        layout = self._layout
        with archive:
            target = layout.resolve(path)
            made = msgspec.structs.replace(self._made, mode=stat.S_IFDIR | 0o755)
            layout.make_directories(target, made)
            plan = MemberPlan(layout, index, target, self._owner, self.base_files)
            plan.add_all(archive)
        self.archives[index] = source
        return target

    def _contents(self, index: int, source: Selected, tree: Tree, target: str) -> None:
        layout, owner = self._layout, self._owner
        layout.enter_directory(target)
        directories = {target: source.root}
        for number, entry in enumerate(source.entries):
            if number == 0:
                continue
            path = f"{target}/{entry.path}"
            if stat.S_ISDIR(entry.mode):
                layout.copy_directory(path, _copied(entry, owner, index), implied=entry.implied)
                directories[path] = entry.origin
            else:
                layout.put(path, SourceFile(index, number, tree, entry))
        layout.leave_directory(target, source.entries[0].stat.mtime_ns)
        if source.rules.change_nothing and isinstance(tree, Scanning):
            self.mirrored = Mirrored(tree, directories)


def _copied(entry: SourceEntry, owner: Owner | None, source: int) -> Directory:
    st = entry.stat
    return Directory(
        entry.mode,
        st.uid if owner is None else owner.uid,
        st.gid if owner is None else owner.gid,
        st.mtime_ns,
        entry.xattrs,
        copied=True,
        source=source,
    )
