"""Which pages are run, in which order and homes.

In:  the project.
Out: readings: pages that one reader reads one after the other, each reading in a fresh home.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from e2e.rig import Jettison, made_bases, store_of_tests
from pages.packages import index
from pages.page import Page
from pages.world import ROOT, Outcome, World, mirror

CHECKOUT = "jettison"


@dataclass(frozen=True)
class Reading:
    """Pages that are read in one home.

    Attributes:
        pages: Their paths in the project.
        directory: Where the reader is, below the home.
        bases: Base images from packages that the pages need, beside busybox.
    """

    pages: tuple[str, ...]
    directory: str = "work"
    bases: tuple[str, ...] = ()


READINGS = (
    Reading(
        ("README.md", "docs/guides/getting-started.md"),
        CHECKOUT,
        ("python:3.11-slim", "python:3.11-alpine"),
    ),
    Reading(("docs/guides/from-docker.md",)),
    Reading(("docs/guides/caching.md",)),
    Reading(("docs/guides/report.md", "docs/guides/html-report.md")),
    Reading(("docs/guides/attestations.md",)),
    Reading(("docs/guides/remote-cache.md",)),
    Reading(("docs/guides/why.md",)),
    Reading(("docs/guides/checks.md",)),
    Reading(("docs/guides/containers.md",)),
    Reading(("docs/guides/looking-into-images.md",)),
    Reading(("docs/guides/keeping-the-store-small.md",)),
    Reading(("docs/guides/platforms.md",)),
    Reading(("docs/guides/copying.md",)),
    Reading(("docs/guides/engines.md",)),
    Reading(("docs/guides/ci.md",)),
    Reading(("docs/guides/tls-proxy.md",)),
    Reading(("docs/guides/rootless.md",)),
    Reading(("docs/debugging.md",)),
)


def read(reading: Reading, place: Path) -> Iterator[tuple[str, Outcome]]:
    """Run the pages of a reading; yield what became of each.

    Args:
        place: An empty directory.
    """
    with ExitStack() as stack:
        images = bases(*reading.bases) if reading.bases else {}
        address = stack.enter_context(index()) if reading.bases else ""
        registry = stack.enter_context(mirror(place, images, address))
        world = stack.enter_context(World(registry, address))
        for path in reading.pages:
            yield path, world.read(Page.read(ROOT / path), directory=reading.directory)


def bases(*names: str) -> dict[str, Jettison]:
    """Make base images of packages, once a machine; return the command line that has them."""
    jettison = Jettison(store_of_tests())
    made_bases(jettison, *names)
    return dict.fromkeys(names, jettison)
