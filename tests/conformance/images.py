"""Images as goldens describe them: layers, config, history, and the tree of all layers together.

In:  an OCI layout, a directory or a tar, and the layout of its base image.
Out: the golden that such an image would have, and where an image differs from a golden.

Reads bytes without our own code. ``corpus/README.md`` tells the format of goldens.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from archive_rig import zstd

Json = dict[str, Any]
Tree = dict[str, Json]

_XATTR = "SCHILY.xattr."
_KINDS = {
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}
_OF_BUILDERS = re.compile(r"(proc|sys|dev)(/|$)|etc/(resolv\.conf|hosts|hostname)$")
_COMPARED = (
    "type",
    "mode",
    "uid",
    "gid",
    "sha256",
    "target",
    "dev",
    "xattrs",
    "hardlink_to",
    "mtime",
)
_LARGE = 4096
"""A file of at least this size with the bytes of one of the base is taken for a copy of it."""


class Member(NamedTuple):
    """A member of a layer: its path, and what it is or the path that it is a hard link to."""

    path: str
    entry: Json = {}  # noqa: RUF012
    linked: str = ""


class Layer(NamedTuple):
    """A layer, as members in the order of its tar."""

    diff_id: str
    members: tuple[Member, ...]


_layers: dict[bytes, Layer] = {}
"""Those that were read last, by digests of their blobs; the latest at the end."""

_MOST_LAYERS = 48


class Image:
    """The first image of a layout; attestations are passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        document = json.loads(self._read("index.json"))
        while "manifests" in document:
            images = [each for each in document["manifests"] if not _is_attestation(each)]
            document = json.loads(self._blob(images[0]["digest"]))
        self.document: Json = json.loads(self._blob(document["config"]["digest"]))
        self.layers = [_read_layer(self._blob(each["digest"])) for each in document["layers"] or ()]
        self.diff_ids = [each.diff_id for each in self.layers]
        self.config: Json = self.document.get("config") or {}
        self.history: list[Json] = self.document.get("history") or []

    @functools.cached_property
    def tree(self) -> Tree:
        """All layers together, whiteouts applied; names of one file share a dict."""
        tree: Tree = {}
        for layer in self.layers:
            _apply(tree, layer)
        return tree

    def _read(self, name: str) -> bytes:
        if self._path.is_dir():
            return (self._path / name).read_bytes()
        with tarfile.open(self._path) as archive:
            file = archive.extractfile(name)
            assert file is not None
            return file.read()

    def _blob(self, digest: str) -> bytes:
        return self._read("blobs/" + digest.replace(":", "/"))


class _Nothing:
    """What an image from scratch starts with."""

    layers: Sequence[Layer] = ()
    diff_ids: Sequence[str] = ()
    config: Json = {}  # noqa: RUF012
    history: Sequence[Json] = ()
    tree: Tree = {}  # noqa: RUF012


Base = Image | _Nothing


@functools.lru_cache(maxsize=8)
def read_base(path: Path) -> Image:
    """Return an image that is read often."""
    return Image(path)


def _is_attestation(entry: Json) -> bool:
    kind = entry.get("annotations", {}).get("vnd.docker.reference.type")
    return bool(kind == "attestation-manifest")


def _unpacked(data: bytes) -> bytes:
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    return zstd.decompress(data) if data[:4] == b"\x28\xb5\x2f\xfd" else data


def _read_layer(blob: bytes) -> Layer:
    """Return a layer; those of bases are in most images, and are read once."""
    digest = hashlib.sha256(blob).digest()
    found = _layers.pop(digest, None)
    if found is None:
        tar = _unpacked(blob)
        diff_id = "sha256:" + hashlib.sha256(tar).hexdigest()
        found = Layer(diff_id, tuple(_members(tar)))
    _layers[digest] = found
    while len(_layers) > _MOST_LAYERS:
        del _layers[next(iter(_layers))]
    return found


def _members(layer: bytes) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for member in tar:
            path = "/".join(part for part in member.name.split("/") if part not in {"", "."})
            if member.islnk():
                linked = member.linkname.removeprefix("./").lstrip("/")
                yield Member(path, linked=linked)
            else:
                yield Member(path, entry=_entry(tar, member))


def _apply(tree: Tree, layer: Layer) -> None:
    """Apply one layer. What a layer adds is not hidden by its own whiteouts."""
    added: set[str] = set()

    def hide(path: str, *, itself: bool) -> None:
        below = f"{path}/" if path else ""
        for name in [n for n in tree if n.startswith(below) or (itself and n == path)]:
            if name not in added:
                del tree[name]

    for member in layer.members:
        path = member.path
        parent, _, name = path.rpartition("/")
        if name == ".wh..wh..opq":
            hide(parent, itself=False)
        elif name.startswith(".wh."):
            hide(f"{parent}/{name[4:]}".lstrip("/"), itself=True)
        elif path:
            is_directory = not member.linked and member.entry["type"] == "dir"
            if path in tree and not (is_directory and tree[path]["type"] == "dir"):
                hide(path, itself=True)
            added.add(path)
            tree[path] = tree[member.linked] if member.linked else member.entry


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Json:
    """Return a member as goldens have it, with its time. BuildKit drops attributes of users."""
    mode = 0o777 if member.issym() else member.mode & 0o7777
    entry: Json = {
        "type": _KINDS.get(member.type, "file"),
        "mode": f"{mode:04o}",
        "uid": member.uid,
        "gid": member.gid,
        "mtime": int(member.mtime),
    }
    if member.isreg():
        file = tar.extractfile(member)
        data = file.read() if file is not None else b""
        entry |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    elif member.issym():
        entry["target"] = member.linkname
    elif member.ischr() or member.isblk():
        entry["dev"] = f"{member.devmajor}:{member.devminor}"
    xattrs = {
        key.removeprefix(_XATTR): base64.b64encode(
            value.encode("utf-8", "surrogateescape")
        ).decode()
        for key, value in member.pax_headers.items()
        if key.startswith(_XATTR) and not key.startswith(f"{_XATTR}user.")
    }
    return entry | ({"xattrs": xattrs} if xattrs else {})


def _listed(tree: Tree) -> Tree:
    """Return the entries by path; later names of a file tell the first one."""
    first: dict[int, str] = {}
    listed = {}
    for path in sorted(tree):
        entry = {"path": path, **tree[path]}
        if entry["type"] == "file" and first.setdefault(id(tree[path]), path) != path:
            entry["hardlink_to"] = first[id(tree[path])]
        listed[path] = entry
    return listed


def _changes(tree: Tree, base: Tree, times: Collection[str]) -> tuple[Tree, list[str]]:
    """Return the entries that are not the base's, and the topmost paths of it that are gone.

    Times count, and are kept, for some paths only.
    """
    before, after = _listed(base), _listed(tree)
    changed = {}
    for path, entry in after.items():
        if _OF_BUILDERS.match(path):
            continue
        timeless = {k: v for k, v in entry.items() if k != "mtime"}
        old = {k: v for k, v in before.get(path, {}).items() if k != "mtime"}
        if path in times:
            changed[path] = entry
        elif timeless != old:
            changed[path] = timeless
    gone: list[str] = []
    for path in before:
        if path not in after and not _OF_BUILDERS.match(path) and not _within(path, gone):
            gone.append(path)
    return changed, gone


def _within(path: str, roots: Iterable[str]) -> bool:
    return any(f"{path}/".startswith(f"{root}/") for root in roots)


def _without_address(text: str) -> str:
    return re.sub(r"http://127\.0\.0\.1:\d+", "@HTTP@", text)


def describe(case: Json, image: Image, bases: dict[str, Path]) -> Json:
    """Return the golden of an image that a builder made of a case.

    Args:
        case: The case.
        image: The image.
        bases: Layouts of base images by name.
    """
    name = "scratch"
    base: Base = _Nothing()
    for each, layout in bases.items():
        found = read_base(layout)
        if image.diff_ids[: len(found.diff_ids)] == found.diff_ids:
            name, base = each, found
    changed, gone = _changes(image.tree, base.tree, case.get("check_mtime", ()))
    copies = {e["sha256"] for e in base.tree.values() if e.get("size", 0) >= _LARGE}
    for layout in bases.values():
        copies |= {
            e["sha256"] for e in read_base(layout).tree.values() if e.get("size", 0) >= _LARGE
        }
    tree = []
    for path, entry in changed.items():
        if _within(path, case.get("volatile", ())):
            continue
        if entry.get("sha256") in copies:
            kept = {k: v for k, v in entry.items() if k not in {"sha256", "size"}}
            tree.append({**kept, "base_dep": True})
        else:
            tree.append(entry)
    golden = {
        "base": name,
        "layers": len(image.layers) - len(base.layers),
        "config": image.config,
        "history": [
            {"created_by": each.get("created_by", ""), "empty_layer": bool(each.get("empty_layer"))}
            for each in image.history[len(base.history) :]
        ],
        "tree": tree,
        "deleted": [each for each in gone if not _within(each, case.get("volatile", ()))],
    }
    for key, usual in (("author", ""), ("os", "linux"), ("architecture", "amd64")):
        if image.document.get(key, usual) != usual:
            golden[key] = image.document[key]
    if "SOURCE_DATE_EPOCH" in case.get("options", {}).get("build_args", {}):
        golden["created"] = image.document["created"]
    return json.loads(_without_address(json.dumps(golden)))  # type: ignore[no-any-return]


def compare(case: Json, image: Image, bases: dict[str, Path]) -> list[str]:
    """Return where an image differs from its golden: nothing if it conforms."""
    expected = case["expected"]
    name = expected["base"]
    base: Base = _Nothing() if name == "scratch" else read_base(bases[name])
    return [
        *_compare_layers(expected, image, base),
        *_compare_trees(case, image.tree, base.tree),
        *_compare_configs(expected, image, base),
        *_compare_histories(expected, image, base),
    ]


def _compare_layers(expected: Json, image: Image, base: Base) -> Iterator[str]:
    if image.diff_ids != (image.document["rootfs"].get("diff_ids") or []):
        yield "rootfs.diff_ids are not the digests of the layers"
    if image.diff_ids[: len(base.diff_ids)] != list(base.diff_ids):
        yield "the image does not start with the layers of its base"
    added = len(image.layers) - len(base.layers)
    if added != expected["layers"]:
        yield f"{added} layers on the base, not {expected['layers']}"


def _compare_trees(case: Json, tree: Tree, base: Tree) -> Iterator[str]:
    expected, volatile = case["expected"], case.get("volatile", ())
    got, gone = _changes(tree, base, case.get("check_mtime", ()))
    want = {each["path"]: each for each in expected["tree"]}
    for path in sorted({*got, *want}):
        is_loose = _within(path, volatile)
        if path not in got or path not in want:
            if not is_loose:
                there = f"is {got[path]}" if path in got else f"lacks {want[path]}"
                yield f"/{path}: {there}"
            continue
        free = set(case.get("ignore_fields", ())) | ({"hardlink_to"} if is_loose else set())
        if is_loose or want[path].get("base_dep"):
            free |= {"sha256"}
        for key in _COMPARED:
            if key not in free and got[path].get(key) != want[path].get(key):
                yield f"/{path}: {key} is {got[path].get(key)!r}, not {want[path].get(key)!r}"
    for path in sorted(set(gone) ^ set(expected["deleted"])):
        if not _within(path, volatile):
            yield f"/{path} is deleted" if path in gone else f"/{path} is not deleted"


def _compare_configs(expected: Json, image: Image, base: Base) -> Iterator[str]:
    config = json.loads(_without_address(json.dumps(image.config)))
    inherited = expected.get("inherited", ())
    for key in sorted({*config, *expected["config"], *inherited} - {"Env"}):
        want = (base.config if key in inherited else expected["config"]).get(key)
        if (config.get(key) or None) != (want or None):
            yield f"config.{key} is {config.get(key)!r}, not {want!r}"
    # Variables of the base have the values of the base that is here, in its order.
    own = [
        each
        for each in expected["config"].get("Env") or ()
        if each not in expected.get("inherited_env", ())
    ]
    pairs = (each.partition("=")[::2] for each in (*(base.config.get("Env") or ()), *own))
    want_env = [f"{name}={value}" for name, value in dict(pairs).items()]
    if (config.get("Env") or []) != want_env:
        yield f"config.Env is {config.get('Env')!r}, not {want_env!r}"
    for key in ("author", "os", "architecture", "created"):
        if key in expected and image.document.get(key) != expected[key]:
            yield f"{key} is {image.document.get(key)!r}, not {expected[key]!r}"


def _compare_histories(expected: Json, image: Image, base: Base) -> Iterator[str]:
    """Compare how many entries there are and which have layers; texts need no build to compare."""
    if sum(not each.get("empty_layer") for each in image.history) != len(image.layers):
        yield "not as many history entries with a layer as there are layers"
    own = image.history[len(base.history) :]
    got = [bool(each.get("empty_layer")) for each in own]
    want = [bool(each.get("empty_layer")) for each in expected["history"]]
    if got != want:
        yield f"history: empty layers are {got}, not {want}"
    times = [each.get("created") for each in own]
    if times != expected.get("history_created", times):
        yield f"history: times are {times}, not {expected['history_created']}"


def describe_steps(case: Json, images: Sequence[Image | None]) -> list[Json]:
    """Return what each build of a sequence made of the files that the case watches.

    A file is the ``same`` as after an earlier build, the latest such, or does ``differ`` from
    that of the latest build.
    """
    told: list[Json] = []
    for number, image in enumerate(images):
        if image is None:
            told.append({"error": True})
            continue
        golden: Json = {"same": {}, "differ": {}}
        for path in case["watch"]:
            digest = _digest_in(image, path)
            sums = {n: _digest_in(images[n], path) for n in range(number)}
            there = [n for n, each in sums.items() if each is not None]
            if digest is None or not there:
                continue
            alike = [n for n in there if sums[n] == digest]
            golden["same" if alike else "differ"][path] = (alike or there)[-1]
        told.append({key: value for key, value in golden.items() if value})
    return told


def _digest_in(image: Image | None, path: str) -> str | None:
    digest: str | None = image.tree.get(path, {}).get("sha256") if image is not None else None
    return digest


def compare_steps(case: Json, images: Sequence[Image | None]) -> list[str]:
    """Return where a sequence of builds differs from its goldens."""
    found: list[str] = []
    for number, (step, image) in enumerate(zip(case["steps"], images, strict=True)):
        if (image is None) != bool(step["expected"].get("error")):
            found.append(f"build {number} {'failed' if image is None else 'succeeded'}")
        elif image is not None:
            found += [
                f"build {number}: {each}" for each in _compare_step(step["expected"], image, images)
            ]
    return found


def _compare_step(expected: Json, image: Image, images: Sequence[Image | None]) -> Iterator[str]:
    for word in ("same", "differ"):
        for path, number in expected.get(word, {}).items():
            digest = _digest_in(image, path)
            is_same = digest is not None and digest == _digest_in(images[number], path)
            if digest is None or is_same != (word == "same"):
                yield f"/{path} must {'be' if word == 'same' else 'not be'} that of build {number}"
    for path, text in expected.get("content", {}).items():
        if _digest_in(image, path) != hashlib.sha256(text.encode()).hexdigest():
            yield f"/{path} does not hold {text!r}"
    for one, other in expected.get("equal", ()):
        if _digest_in(image, one) is None or _digest_in(image, one) != _digest_in(image, other):
            yield f"/{one} and /{other} differ"
