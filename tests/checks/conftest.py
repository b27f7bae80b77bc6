"""What the tests of checks share: one store with base images, and builds in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from checks.rig import Checked
from e2e.rig import Jettison, made_bases, store_of_tests
from jettison.api.session import Session
from jettison.settings import Settings


@pytest.fixture(scope="session")
def checked(need: Callable[[str], str]) -> Iterator[Checked]:
    """Builds, checks and runs images on the store that end-to-end tests share."""
    if os.geteuid() != 0:
        pytest.skip("root is needed")
    root = store_of_tests()
    busybox = need("busybox")
    with Session.open(Settings(root=str(root)), os.environ) as session:
        made = Checked(session, lambda *names: made_bases(Jettison(root), *names), busybox)
        yield made
        made.remove_images()
