"""Options of ``RUN --mount``."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError, ExpansionError
from jettison.frontend.dockerfile.mounts import MountSpec, mount_from, parse_mount, split_csv
from jettison.frontend.dockerfile.words import expand
from jettison.plan.op import MountType, Sharing


def read(text: str) -> MountSpec:
    return parse_mount(text, str)


def refused(text: str) -> str:
    with pytest.raises(DockerfileSyntaxError) as caught:
        read(text)
    return str(caught.value)


def test_bind_is_the_default_and_readonly():
    assert read("target=/x,from=a,source=s") == MountSpec(
        type=MountType.BIND, from_name="a", source="s", target="/x", readonly=True
    )
    assert not read("dst=/x,rw").readonly
    assert not read("destination=/x,readonly=false").readonly
    assert read("target=/x,rw=0").readonly


def test_caches_and_tmpfs_are_writable_unless_told():
    cache = read("type=cache,target=/c,id=i,sharing=LOCKED,mode=0700,uid=1,gid=2")
    assert (cache.readonly, cache.sharing) == (False, Sharing.LOCKED)
    assert (cache.mode, cache.uid, cache.gid, cache.id) == (0o700, 1, 2, "i")
    assert read("type=cache,target=/c,ro").readonly
    assert read("type=tmpfs,target=/t,size=10m").size_bytes == 10 * 2**20


def test_secrets_and_sockets_may_be_required():
    secret = read("type=secret,id=s,env=S,required,mode=0400")
    assert (secret.required, secret.env, secret.mode) == (True, "S", 0o400)
    assert read("type=ssh,required=true").required
    assert not read("type=secret,src=x,required=false").required


def test_keys_ignore_case_and_values_are_expanded_but_that_of_from():
    env = {"a": "/x"}
    spec = parse_mount("TARGET=$a,from=b", lambda word: expand(word, env).text)
    assert (spec.target, spec.from_name) == ("/x", "b")


def test_errors_of_expansion_pass_through():
    with pytest.raises(ExpansionError):
        parse_mount("target=${a:?no}", lambda word: expand(word, {}).text)


@pytest.mark.parametrize(
    ("size", "expected"),
    [("1", 1), ("2b", 2), ("1k", 1024), ("1KiB", 1024), ("1.5G", 3 * 2**29), ("1 tb", 2**40)],
)
def test_sizes_have_units(size, expected):
    assert read(f"type=tmpfs,target=/t,size={size}").size_bytes == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("typ=cache", "unexpected key 'typ' in 'typ=cache' (did you mean type?)"),
        ("type=tmp", 'unsupported mount type "tmp" (did you mean tmpfs?)'),
        ("type=file", 'unsupported mount type "file"'),
        ("target", "invalid field 'target' must be a key=value pair"),
        ("", "invalid field '' must be a key=value pair"),
        ("target=/x,ro=maybe", "invalid value for ro: maybe"),
        ("target=/x,mode=0700", 'mode not allowed for "bind" type mounts'),
        ("type=tmpfs,uid=1", 'uid not allowed for "tmpfs" type mounts'),
        ("type=cache,mode=9", "invalid value 9 for mode"),
        ("type=cache,uid=-1", "invalid value -1 for uid"),
        ("type=cache,gid=4294967296", "invalid value 4294967296 for gid"),
        ("required,type=secret", "unexpected key 'required' for mount type 'bind'"),
        ("type=cache,size=1m", "unexpected key 'size' for mount type 'cache'"),
        ("type=tmpfs,size=x", "invalid value for size: x"),
        ("type=cache,sharing=share", 'unsupported sharing value "share" (did you mean shared?)'),
        ("sharing=shared", "invalid cache sharing set for bind mount"),
        ("type=secret,id=a,sharing=shared", "secret mount should not define sharing"),
        ("type=secret,id=a,from=b", "secret mount should not have a from"),
        ("type=secret", "invalid secret mount. one of source, target required"),
        ("type=secret,id=a,source=b", "both source and id can't be set"),
        ("type=ssh,source=a", "ssh does not support source"),
        ('a"b=c', 'failed to parse csv mounts: bare " in "a\\"b=c"'),
        ('"a"b', 'failed to parse csv mounts: extraneous or missing " in "\\"a\\"b"'),
    ],
)
def test_what_is_wrong_is_said(text, message):
    assert refused(text) == message


def test_fields_may_be_quoted():
    assert split_csv('"a,""b""",c,') == ['a,"b"', "c", ""]
    assert split_csv("") == [""]


def test_the_source_of_a_mount_is_its_last_from():
    assert mount_from("from=a,target=/x,FROM=b") == "b"
    assert mount_from("target=/x") is None
    assert mount_from("from=,target=/x") is None
    assert mount_from("from=a$,target=/x") == "a$"
    with pytest.raises(DockerfileSyntaxError, match="'from' doesn't support variable expansion"):
        mount_from("from=${a}")


@pytest.mark.parametrize(
    ("mode", "bits"), [("0700", 0o700), ("01777", 0o777), ("37777777777", 0o777)]
)
def test_modes_are_permissions_only_as_in_buildkit(mode, bits):
    assert parse_mount(f"type=cache,target=/a,mode={mode}", str).mode == bits
