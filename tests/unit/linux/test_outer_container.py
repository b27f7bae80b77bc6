"""Who made the container that Jettison runs in, and what is to be changed there."""

from __future__ import annotations

import pytest

from jettison.linux.outer_container import Manager, chroot_remedy, manager

POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}


@pytest.mark.parametrize(
    ("environ", "user", "file", "found"),
    [
        (POD, (0, 0), "", Manager.KUBERNETES),
        (POD, (1000, 1000), "/run/.containerenv", Manager.KUBERNETES),
        (POD, (1000770000, 0), "", Manager.OPENSHIFT),
        (POD, (1000770000, 5), "", Manager.KUBERNETES),
        ({}, (1000770000, 0), "/run/.containerenv", Manager.PODMAN),
        ({}, (0, 0), "/.dockerenv", Manager.DOCKER),
        ({}, (0, 0), "", Manager.UNKNOWN),
    ],
)
def test_each_leaves_its_traces(environ, user, file, found):
    assert manager(environ, user, lambda path: path == file) is found


@pytest.mark.parametrize("found", Manager)
def test_the_remedy_names_what_to_add(found):
    text = chroot_remedy(found)
    assert "SYS_CHROOT" in text
    is_pod = found in {Manager.KUBERNETES, Manager.OPENSHIFT}
    assert ("runAsUser: 0" in text) == is_pod
    assert ("seccomp=unconfined" in text) != is_pod
    assert ("SCC" in text) == (found is Manager.OPENSHIFT)
