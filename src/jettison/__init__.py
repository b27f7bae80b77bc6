"""Builds container images from multi-stage Dockerfiles, without a daemon and without root.

What is public is in ``__all__``, and described in ``docs/reference/python.md``. Nothing is
imported until it is used, since the command line passes through here too.
"""

TYPE_CHECKING = False  # typing takes longer to import than all the rest of what runs here
if TYPE_CHECKING:
    from jettison import errors, events
    from jettison.api.request import (
        BuildRequest,
        BuildResult,
        SecretRequest,
        StageReport,
    )
    from jettison.api.session import Session
    from jettison.attest.request import AttestRequest, ProvenanceRequest, SbomRequest
    from jettison.container.request import RunRequest
    from jettison.errors import JettisonError
    from jettison.exporter.outputs import (
        Annotation,
        CacheOnlyOutput,
        DockerOutput,
        EngineOutput,
        ImageOutput,
        LocalOutput,
        OciOutput,
        OutputRequest,
        RegistryOutput,
        TarOutput,
    )
    from jettison.linux.resources import Resources
    from jettison.python.calls import build, inspect, open_session, run
    from jettison.python.result import RunResult
    from jettison.remote.options import CacheExport, CacheImport
    from jettison.remote.place import CachePlace
    from jettison.settings import Settings
    from jettison.store.store import Store

__version__ = "0.1.0"

__all__ = [
    "Annotation",
    "AttestRequest",
    "BuildRequest",
    "BuildResult",
    "CacheExport",
    "CacheImport",
    "CacheOnlyOutput",
    "CachePlace",
    "DockerOutput",
    "EngineOutput",
    "ImageOutput",
    "JettisonError",
    "LocalOutput",
    "OciOutput",
    "OutputRequest",
    "ProvenanceRequest",
    "RegistryOutput",
    "Resources",
    "RunRequest",
    "RunResult",
    "SbomRequest",
    "SecretRequest",
    "Session",
    "Settings",
    "StageReport",
    "Store",
    "TarOutput",
    "__version__",
    "build",
    "errors",
    "events",
    "inspect",
    "open_session",
    "run",
]

_HOMES = {
    "api.request": (
        "BuildRequest",
        "BuildResult",
        "SecretRequest",
        "StageReport",
    ),
    "api.session": ("Session",),
    "attest.request": ("AttestRequest", "ProvenanceRequest", "SbomRequest"),
    "container.request": ("RunRequest",),
    "errors": ("JettisonError",),
    "exporter.outputs": (
        "Annotation",
        "CacheOnlyOutput",
        "DockerOutput",
        "EngineOutput",
        "ImageOutput",
        "LocalOutput",
        "OciOutput",
        "OutputRequest",
        "RegistryOutput",
        "TarOutput",
    ),
    "linux.resources": ("Resources",),
    "python.calls": ("build", "inspect", "open_session", "run"),
    "python.result": ("RunResult",),
    "remote.options": ("CacheExport", "CacheImport"),
    "remote.place": ("CachePlace",),
    "settings": ("Settings",),
    "store.store": ("Store",),
}
"""Modules to what of them is public."""

_MODULES = ("errors", "events")
"""Modules that are public as a whole."""


def __getattr__(name: str) -> object:
    """Import what is used."""
    import importlib  # the command line does without

    if name in _MODULES:
        return importlib.import_module(f"jettison.{name}")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"jettison.{home}"), name)
    raise AttributeError(f"module `jettison` has no attribute `{name}`")


def __dir__() -> list[str]:
    return __all__
