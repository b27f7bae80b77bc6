"""Which network a container of ``run`` gets, as far as no program is started for it."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from jettison.api.network import Link, connect
from jettison.container.request import RunRequest
from jettison.errors import HostError, UsageError
from jettison.sandbox.level import IN_CONTAINER
from jettison.sandbox.spec import NetworkMode


@pytest.fixture
def connected(tmp_path):
    """Connect; return the link and the warnings."""

    def run(sandbox="embedded", **fields) -> tuple[Link, list[str]]:
        warnings: list[str] = []
        with ExitStack() as resources:
            request = RunRequest("image", **fields)
            return connect(request, sandbox, tmp_path, resources, warnings.append), warnings

    return run


@pytest.mark.parametrize(
    ("network", "mode"), [("none", NetworkMode.NONE), ("host", NetworkMode.HOST)]
)
def test_the_host_s_network_and_none_need_nothing(connected, network, mode):
    assert connected(network=network) == (Link(mode), [])


def test_ports_of_the_host_s_network_change_nothing(connected):
    link, warnings = connected(network="host", publish=("8080:80",))
    assert link.mode is NetworkMode.HOST
    assert warnings == ["published ports change nothing: the container has the host's network"]


def test_a_container_without_a_network_publishes_nothing(connected):
    with pytest.raises(UsageError, match="a container without a network cannot publish ports"):
        connected(network="none", publish=("8080:80",))


def test_an_unknown_network_is_an_error(connected):
    with pytest.raises(UsageError) as caught:
        connected(network="mynet")
    assert caught.value.message == "network `mynet` is not known"
    assert caught.value.hint == "use default, host, none, pasta or slirp4netns"


def test_where_there_can_be_none_of_its_own_it_is_shared_unless_that_was_asked_for(connected):
    assert connected(IN_CONTAINER) == (Link(NetworkMode.SHARED), [])
    for fields in ({"network": "bridge"}, {"publish": ("8080:80",)}, {"network": "pasta"}):
        with pytest.raises(HostError) as caught:
            connected(IN_CONTAINER, **fields)
        assert caught.value.message == (
            "the container cannot have a network of its own in the sandbox `in-container`"
        )
