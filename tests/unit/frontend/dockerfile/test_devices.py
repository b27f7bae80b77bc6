"""``RUN --device``: options of one device."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.devices import parse_device
from jettison.plan.op import ExecDevice


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("vendor1.com/device=foo", ExecDevice("vendor1.com/device=foo")),
        ("vendor1.com/device", ExecDevice("vendor1.com/device")),
        ("vendor1.com/device=*,required", ExecDevice("vendor1.com/device=*", required=True)),
        ("class1,required=true", ExecDevice("class1", required=True)),
        ("class1,REQUIRED=F", ExecDevice("class1")),
        (
            "required,name=vendor1.com/device=foo",
            ExecDevice("vendor1.com/device=foo", required=True),
        ),
        ('"name=a,b"', ExecDevice("a,b")),
        ("/dev/fuse", ExecDevice("/dev/fuse")),
    ],
)
def test_names_come_first_or_as_an_option(text: str, device: ExecDevice):
    assert parse_device(text) == device


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b", "invalid field 'b' must be a key=value pair"),
        ("a,requird=true", "unexpected key 'requird' in 'requird=true' (did you mean required?)"),
        ("a,required=maybe", "invalid value for required: maybe"),
        ("a,name=b", "device name already set to a"),
        ("required", "--device names no device"),
        ('a"', 'failed to parse csv devices: bare " in "a\\""'),
    ],
)
def test_what_is_wrong_is_said_in_buildkit_s_words(text: str, message: str, plan_for):
    with pytest.raises(DockerfileSyntaxError) as caught:
        parse_device(text)
    assert caught.value.message == message
    with pytest.raises(DockerfileSyntaxError) as caught:
        plan_for(f"FROM scratch\nRUN --device='{text}' true\n")
    assert caught.value.span.line == 2


def test_devices_are_of_the_op_and_so_of_its_key(plan_for):
    plain = plan_for("FROM scratch\nRUN true\n").vertices[-1]
    asked = plan_for("FROM scratch\nARG x=y\nRUN --device=$x --device=a/b=c,required true\n")
    assert asked.vertices[-1].op.devices == (ExecDevice("$x"), ExecDevice("a/b=c", required=True))
    assert plain.op.devices == ()
