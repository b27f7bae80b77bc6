"""``/etc/hosts`` and ``/etc/resolv.conf``."""

from __future__ import annotations

import pytest

from jettison.container.names import (
    local_nameservers,
    make_hosts,
    make_resolv_conf,
    parse_extra_host,
    with_choices,
)
from jettison.errors import UsageError


def test_hosts_name_localhost_the_extras_and_the_container():
    lines = make_hosts("step", ["db:10.0.0.5", "six=2001:db8::1"]).decode().splitlines()
    assert lines[0] == "127.0.0.1\tlocalhost"
    assert "::1\tlocalhost ip6-localhost ip6-loopback" in lines
    assert lines[-3:] == ["10.0.0.5\tdb", "2001:db8::1\tsix", "127.0.0.1\tstep"]


def test_the_host_s_gateway_is_an_address_of_the_host():
    assert b"172.17.0.1\tme\n" in make_hosts("", ["me:host-gateway"], gateway="172.17.0.1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "db",
        "db:",
        ":1.2.3.4",
        "db:nowhere",
        "a b:1.2.3.4",
        "db=1.2.3",
        "db:fe80::1%\n1.2.3.4 x",
    ],
)
def test_a_malformed_extra_host_is_an_error(text):
    with pytest.raises(UsageError, match="extra host") as caught:
        parse_extra_host(text)
    assert caught.value.hint


def test_an_ipv6_address_may_follow_a_colon():
    assert parse_extra_host("db:2001:db8::1") == ("db", "2001:db8::1")


@pytest.fixture
def conf(tmp_path):
    def write(text: str, resolved: str | None = None, *, host_network: bool = False) -> str:
        (tmp_path / "resolv.conf").write_text(text)
        if resolved is not None:
            (tmp_path / "resolved").write_text(resolved)
        paths = {"path": tmp_path / "resolv.conf", "resolved": tmp_path / "resolved"}
        return make_resolv_conf(host_network=host_network, **paths).decode()

    return write


def test_with_the_host_s_network_its_file_serves_as_it_is(conf):
    text = "# made by\nnameserver 127.0.0.53\noptions edns0\n"
    assert conf(text, host_network=True) == text


def test_the_real_servers_of_systemd_resolved_replace_its_stub(conf):
    text = "nameserver 127.0.0.53\nsearch lan\n"
    assert conf(text, "nameserver 192.0.2.1\nsearch lan\n") == "nameserver 192.0.2.1\nsearch lan\n"


def test_servers_on_loopback_are_left_out(conf):
    text = "search lan\nnameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.7\n"
    assert conf(text) == "search lan\nnameserver 192.0.2.7\n"


def test_public_servers_stand_in_when_none_is_left(conf):
    made = conf("search lan\nnameserver 127.0.0.1\n")
    assert made.startswith("search lan\nnameserver 8.8.8.8\n")


def test_a_host_without_a_file_gives_public_servers(tmp_path):
    made = make_resolv_conf(host_network=False, path=tmp_path / "none", resolved=tmp_path / "no")
    assert b"nameserver 8.8.8.8\n" in made


def test_queries_are_passed_on_where_the_host_s_server_is_out_of_reach(tmp_path):
    host = tmp_path / "resolv.conf"
    host.write_text("search corp\nnameserver 127.0.0.1\n")
    made = make_resolv_conf(
        host_network=False, forwarder="169.254.1.1", path=host, resolved=tmp_path / "none"
    )
    assert made == b"search corp\nnameserver 169.254.1.1\n"


def test_the_place_of_servers_out_of_reach_is_taken_once(tmp_path):
    host = tmp_path / "resolv.conf"
    local = ["127.0.0.53", "169.254.169.253", "::1", "fe80::1%eth0", "0.0.0.0", "FEBF::1"]
    lines = [f"nameserver {each}\n" for each in [*local, "192.0.2.1"]]
    host.write_text("".join([lines[0], lines[6], *lines[1:6], "options edns0\n"]))
    made = make_resolv_conf(host_network=False, forwarder="127.0.0.11", path=host)
    assert made == b"nameserver 127.0.0.11\nnameserver 192.0.2.1\noptions edns0\n"
    assert local_nameservers(host) == local


def test_servers_domains_and_options_take_the_place_of_the_host_s() -> None:
    host = b"# made\nnameserver 1.1.1.1\nsearch a b\noptions ndots:1\n"
    assert with_choices(host, (), (), ()) == host
    assert with_choices(host, ("::1", "2.2.2.2"), ("c",), ()) == (
        b"# made\noptions ndots:1\nnameserver ::1\nnameserver 2.2.2.2\nsearch c\n"
    )
    assert with_choices(b"domain x\nsearch y\n", (), (".",), ("rotate",)) == b"options rotate\n"
    for wrong in ((("x",), (), ()), ((), ("a b",), ()), ((), (), ("a\nnameserver 6.6.6.6",))):
        with pytest.raises(UsageError):
            with_choices(host, *wrong)
