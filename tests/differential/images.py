"""Images of OCI archives, and where two of them differ.

In:  archives of two builders, and when the builds began.
Out: differences, each with the reason if it is a known one.

Times since the build began are one: they say only when a step ran.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

from jettison.layer.names import OPAQUE, WHITEOUT

OURS = re.compile(r"^(dev|proc|sys)(/|$)|^etc/(hosts|resolv\.conf|hostname)$")
"""Made by builders, not by steps."""

DIRECTORY_TIME = "a step set the time of a directory: BuildKit's image loses it"
MOUNT_POINTS = "BuildKit makes /etc/hosts and the like in each RUN, which changes the time of /etc"

LINK_BELOW = "a link to a file of an earlier layer: ours has that file again, BuildKit's has not"


class Image:
    """An OCI archive.

    Args:
        path: The archive.
        began: Seconds since the epoch; later times are one.
    """

    def __init__(self, path: Path, began: int) -> None:
        with tarfile.open(path) as archive:
            self._files = {
                member.name: _bytes_of(archive, member) for member in archive if member.isfile()
            }
        manifest = self._manifest(json.loads(self._files["index.json"])["manifests"][0])
        self.config = json.loads(self._blob(manifest["config"]["digest"]))
        self.layers = [self._layer(each["digest"], began) for each in manifest["layers"]]

    def _blob(self, digest: str) -> bytes:
        return self._files["blobs/" + digest.replace(":", "/")]

    def _manifest(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._blob(descriptor["digest"]))
        return self._manifest(document["manifests"][0]) if "manifests" in document else document

    def _layer(self, digest: str, began: int) -> dict[str, dict[str, Any]]:
        data = self._blob(digest)
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        found = {}
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                name = _plain(member.name)
                if name and not OURS.search(name):
                    found[name] = _facts(archive, member, began)
        return found


def _bytes_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    return file.read()


def _plain(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def _facts(archive: tarfile.TarFile, member: tarfile.TarInfo, began: int) -> dict[str, Any]:
    name = _plain(member.name).rpartition("/")[2]
    if name.startswith(WHITEOUT.decode()):
        return {"kind": "whiteout"}
    if member.islnk():
        return {"kind": "link", "to": _plain(member.linkname)}
    facts: dict[str, Any] = {
        "kind": member.type.decode(),
        "mode": oct(member.mode),
        "owner": (member.uid, member.gid),
        "time": "now" if member.mtime >= began else int(member.mtime),
        "xattrs": sorted(i for i in member.pax_headers.items() if i[0].startswith("SCHILY.xattr")),
    }
    if member.isfile():
        facts["bytes"] = hashlib.sha256(_bytes_of(archive, member)).hexdigest()[:16]
    elif member.issym():
        facts["target"] = member.linkname
    elif member.ischr() or member.isblk():
        facts["device"] = (member.devmajor, member.devminor)
    return facts


def merged(image: Image) -> dict[str, dict[str, Any]]:
    """Return the files of all layers together; links are what they link to."""
    tree: dict[str, dict[str, Any]] = {}
    for layer in image.layers:
        before = dict(tree)
        _hide(tree, layer)
        for name, facts in layer.items():
            if facts["kind"] == "whiteout":
                continue
            if facts["kind"] != tarfile.DIRTYPE.decode():
                _drop(tree, name)
            if facts["kind"] == "link":
                target = layer.get(facts["to"]) or tree.get(facts["to"]) or before[facts["to"]]
                group = target.get("group", facts["to"])
                tree[name] = {**target, "group": group}
                tree[group] = {**tree.get(group, target), "group": group}
            else:
                tree[name] = dict(facts)
    groups: dict[str, list[str]] = {}
    for name, facts in tree.items():
        groups.setdefault(facts.pop("group", ""), []).append(name)
    for group, names in groups.items():
        if group and len(names) > 1:
            for name in names:
                tree[name]["names"] = sorted(names)
    return tree


def _drop(tree: dict[str, dict[str, Any]], path: str) -> None:
    for each in [e for e in tree if e == path or e.startswith(path + "/")]:
        del tree[each]


def _hide(tree: dict[str, dict[str, Any]], layer: dict[str, dict[str, Any]]) -> None:
    """Take away what a layer's whiteouts hide."""
    for name in layer:
        parent, _, base = name.rpartition("/")
        if base == OPAQUE.decode():
            for each in [e for e in tree if e.startswith(parent + "/")]:
                del tree[each]
        elif base.startswith(WHITEOUT.decode()):
            _drop(tree, f"{parent}/{base[len(WHITEOUT) :]}".lstrip("/"))


def differences(ours: Image, theirs: Image) -> list[tuple[str, str]]:
    """Return differences with their reasons; an unknown one has none."""
    found = [(text, "") for text in _config(ours, theirs)]
    if len(ours.layers) != len(theirs.layers):
        return [*found, (f"{len(ours.layers)} layers, not {len(theirs.layers)}", "")]
    reasons: dict[str, str] = {}
    for number, (own, other) in enumerate(zip(ours.layers, theirs.layers, strict=True)):
        for name in sorted({*own, *other}):
            reason = "" if name in other else _reason(name, own, ours.layers[:number])
            if (name in own) != (name in other):
                who = "ours" if name in own else "BuildKit's"
                found.append((f"layer {number}: `{name}` in {who} only", reason))
                reasons[name] = reason
    one, two = merged(ours), merged(theirs)
    for name in sorted({*one, *two}):
        if one.get(name) != two.get(name):
            a, b = one.get(name) or {}, two.get(name) or {}
            keys = [key for key in sorted({*a, *b}) if a.get(key) != b.get(key)]
            known = ""
            if keys == ["time"]:
                known = MOUNT_POINTS if name == "etc" else reasons.get(name, "")
            elif keys == ["names"]:
                names = (*a.get("names", ()), *b.get("names", ()))
                known = next((reasons[n] for n in names if n in reasons), "")
            text = ", ".join(f"{key} {a.get(key)} not {b.get(key)}" for key in keys)
            found.append((f"`{name}`: {text}", known))
    return found


def _reason(name: str, layer: dict[str, dict[str, Any]], below: list[dict[str, Any]]) -> str:
    facts = layer[name]
    if facts["kind"] == tarfile.DIRTYPE.decode() and any(name in each for each in below):
        return DIRECTORY_TIME
    linked = facts["kind"] == "link" or any(
        each["kind"] == "link" and each["to"] == name for each in layer.values()
    )
    if linked and any(name in each for each in below):
        return LINK_BELOW
    # Parents of such entries.
    inside = [each for each in layer if each.startswith(name + "/")]
    return DIRECTORY_TIME if inside and facts["kind"] == tarfile.DIRTYPE.decode() else ""


def _config(ours: Image, theirs: Image) -> list[str]:
    found = []
    a, b = ours.config["config"], theirs.config["config"]
    for key in sorted({*a, *b}):
        if a.get(key) != b.get(key):
            found.append(f"config {key}: {a.get(key)!r} not {b.get(key)!r}")
    # BuildKit wrote the ports of EXPOSE in brackets until lately.
    history = [
        [
            (
                re.sub(r"^(EXPOSE) \[(.*)\]$", r"\1 \2", each.get("created_by", "")),
                "empty_layer" in each,
            )
            for each in i.config["history"]
        ]
        for i in (ours, theirs)
    ]
    if history[0] != history[1]:
        found.append(f"history: {[h for h in history[0] if h not in history[1]]}")
    return found
