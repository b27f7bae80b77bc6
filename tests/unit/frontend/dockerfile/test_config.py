"""What metadata instructions make of the config of a base image, one after the other."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.config import DEFAULT_PATH, ImageState
from jettison.oci.config import ContainerConfig, Healthcheck, History, ImageConfig
from jettison.oci.digest import sha256_digest
from jettison.oci.platform import Platform, parse_platform

AMD64 = parse_platform("linux/amd64")


def based_on(**fields) -> ImageState:
    config = ContainerConfig(**fields)
    return ImageState(ImageConfig(architecture="arm64", os="linux", config=config), AMD64)


def texts(state: ImageState) -> list[str]:
    return [step.entry.created_by for step in state.history]


def test_nothing_is_an_image_with_a_path_and_a_directory():
    state = ImageState(None, AMD64)
    assert state.freeze() == ContainerConfig(env=(DEFAULT_PATH,), working_dir="/")
    assert (state.platform, state.author, state.history) == (AMD64, "", [])


def test_a_base_gives_its_platform_author_history_and_config_without_triggers():
    image = ImageConfig(
        architecture="arm",
        os="linux",
        variant="v7",
        author="somebody",
        history=(History(created_by="first"),),
        config=ContainerConfig(env=("PATH=/x", "A=1"), user="7", on_build=("RUN x",)),
    )
    state = ImageState(image, AMD64)
    assert state.platform == Platform("arm", "linux", "v7")
    assert state.author == "somebody"
    assert state.freeze() == ContainerConfig(env=("PATH=/x", "A=1"), user="7")
    assert texts(state) == ["first"]


def test_a_base_without_a_path_gets_one():
    assert based_on(env=("A=1",)).freeze().env == ("A=1", DEFAULT_PATH)


def test_variables_are_replaced_where_they_are_and_appended_when_new():
    state = based_on(env=("PATH=/x", "A=1", "AB=2"))
    state.set_env([("A", "3"), ("B", "x=y"), ("A", "4")])
    assert state.freeze().env == ("PATH=/x", "A=4", "AB=2", "B=x=y")
    assert texts(state) == ["ENV A=3 B=x=y A=4"]


def test_an_entrypoint_resets_the_command_of_the_base_but_not_one_of_the_stage():
    state = based_on(cmd=("base",))
    state.set_entrypoint(("a", 'b"c'))
    assert (state.freeze().entrypoint, state.freeze().cmd) == (("a", 'b"c'), None)
    state.set_cmd(("own",))
    state.set_entrypoint(("d",))
    assert (state.freeze().entrypoint, state.freeze().cmd) == (("d",), ("own",))
    assert texts(state) == ['ENTRYPOINT ["a" "b\\"c"]', 'CMD ["own"]', 'ENTRYPOINT ["d"]']


def test_a_child_inherits_but_its_changes_do_not_reach_the_parent():
    parent = based_on(env=("PATH=/x",))
    parent.on_build.append("RUN x")
    parent.set_cmd(("a",))
    child = parent.child()
    child.set_env([("A", "1")])
    child.set_entrypoint(("b",))  # the command is now an inherited one
    assert parent.freeze().env == ("PATH=/x",)
    assert parent.freeze().cmd == ("a",)
    assert (child.freeze().cmd, child.freeze().on_build) == (None, None)
    assert len(parent.history) == 1


def test_maps_are_sorted_and_empty_lists_are_none():
    state = based_on(labels={"z": "base", "b": "base"}, entrypoint=("x",))
    state.set_labels([("b", "1"), ("a", "2"), ("a", "3")])
    state.add_ports(["9/udp", "10/tcp"])
    state.add_volumes(["/z", "/a"])
    state.set_entrypoint(())
    frozen = state.freeze()
    assert list(frozen.labels.items()) == [("a", "3"), ("b", "1"), ("z", "base")]
    assert list(frozen.exposed_ports) == ["10/tcp", "9/udp"]
    assert list(frozen.volumes) == ["/a", "/z"]
    assert frozen.entrypoint is None


def test_labels_of_flags_have_no_history():
    state = ImageState(None, AMD64)
    state.add_labels([("a", "1")])
    assert (state.freeze().labels, texts(state)) == ({"a": "1"}, [])


@pytest.mark.parametrize(
    "signal", ["9", "SIGTERM", "term", "sigKill", "RTMIN", "SIGRTMIN+15", "RTMAX-14"]
)
def test_signals_are_names_or_numbers(signal):
    state = ImageState(None, AMD64)
    state.set_stop_signal(signal)
    assert state.freeze().stop_signal == signal


@pytest.mark.parametrize(
    "signal",
    [
        "",
        "0",
        "-9",
        "1" * 19,
        "\N{ARABIC-INDIC DIGIT NINE}",
        "SIGNO",
        "RTMIN+16",
        "RTMAX-15",
        "TERM\n",
    ],
)
def test_what_is_no_signal_is_an_error(signal):
    with pytest.raises(DockerfileSyntaxError) as caught:
        ImageState(None, AMD64).set_stop_signal(signal)
    assert caught.value.message == f"invalid signal: {signal}"
    assert caught.value.hint == "use a name such as SIGTERM, or a number"


def test_an_empty_volume_is_an_error():
    with pytest.raises(DockerfileSyntaxError, match="VOLUME specified can not be an empty string"):
        ImageState(None, AMD64).add_volumes(["/a", ""])


def test_steps_with_a_layer_are_told_from_those_without():
    state = ImageState(None, AMD64)
    state.set_user("7")
    state.commit("RUN x", vertex=sha256_digest(b"x"))
    state.set_healthcheck(Healthcheck(test=("NONE",)))
    empty = [(step.entry.empty_layer, step.vertex) for step in state.history]
    assert empty == [(True, None), (False, sha256_digest(b"x")), (True, None)]


def test_a_shell_is_what_shell_forms_begin_with():
    state = ImageState(None, AMD64)
    assert state.shell == ("/bin/sh", "-c")
    state.set_shell(("/bin/bash", "-ec"))
    assert state.shell == ("/bin/bash", "-ec")
    assert state.child().shell == ("/bin/bash", "-ec")
    assert texts(state) == ["SHELL [/bin/bash -ec]"]
