"""Documents that templates of ``--format`` see, with the fields that docker's have.

In:  documents as JSON has them.
Out: the same for templates: what is not there is empty, and has its name all the same.

Source: docker's ``image.InspectResponse`` and the image spec's ``ImageConfig``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jettison.console.template.values import NilList, NilMap, Struct

_LISTS = ("Entrypoint", "Env", "Cmd", "OnBuild", "Shell", "RepoTags", "RepoDigests")
_MAPS = ("Volumes", "Labels", "ExposedPorts")
_CONFIG = (
    *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels"),
    *("StopSignal", "ArgsEscaped", "Healthcheck", "OnBuild", "Shell"),
)
_PARTS = ("State", "HostConfig", "Config", "NetworkSettings", "Jettison")
_IMAGE = (
    *("Id", "RepoTags", "RepoDigests", "Parent", "Comment", "Created", "DockerVersion", "Author"),
    *("Config", "Architecture", "Variant", "Os", "OsVersion", "Size", "RootFS"),
)


def image_document(document: Mapping[str, Any]) -> Struct:
    """Return what templates see of an image (``api.images.inspect_image``)."""
    config = _struct(document["Config"], _CONFIG)
    root = Struct(document["RootFS"])
    whole = _struct({**document, "Config": config, "RootFS": root}, _IMAGE)
    return Struct({**whole, "ID": document["Id"]}, {*whole.omitted, "ID"})


def document_struct(document: Mapping[str, Any]) -> Struct:
    """Return what templates see of an image or a container, by what it has."""
    if "RootFS" in document:
        return image_document(document)
    parts = {name: Struct(value) if name in _PARTS else value for name, value in document.items()}
    return Struct({**parts, "ID": document["Id"]}, {"ID"})


def _struct(found: Mapping[str, Any], names: tuple[str, ...]) -> Struct:
    """Return fields in docker's order, and then those that docker has not."""
    known = [*names, *(name for name in found if name not in names)]
    fields = {name: _filled(name, found.get(name)) for name in known}
    return Struct(fields, {name for name in known if name not in found})


def _filled(name: str, value: object) -> object:
    if value is not None:
        return value
    if name in _LISTS:
        return NilList()
    if name in _MAPS:
        return NilMap()
    return None if name == "Healthcheck" else False if name == "ArgsEscaped" else ""
