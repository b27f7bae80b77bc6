"""Certificates, time zones and other things: needed only where something says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.analysis.entry.walk import reached
from jettison.analysis.trust import Need, certificates, evidence, zones
from jettison.oci.config import ContainerConfig
from unit.analysis.tree_rig import ELF, files_of

_TLS = b"\0crypto/x509.loadSystemRoots\0"
_URL = b"\0https://api.shop.test.io/v1\0"


def _needs(root: Path, content: bytes, env: tuple[str, ...] = (), account: str = "a") -> list[Need]:
    files = files_of(root, {"app": ELF + content, "tmp/x": ""}, {"app": 0o755})
    config = ContainerConfig(cmd=("/app",), env=env)
    variables = dict(each.partition("=")[::2] for each in env)
    found = evidence(files, reached(files, config), variables, account)
    return [each.need for each in found]


@pytest.mark.parametrize(
    ("content", "needs"),
    [
        (_TLS, []),
        (_URL, []),
        (_TLS + _URL, [Need.CERTIFICATES]),
        (bytes(5 << 20) + _TLS + _URL, [Need.CERTIFICATES]),
        (_TLS + b"https://github.com/api/x https://pkg.go.dev/v1", []),
        (_TLS + b"see https://monitoring.test.io/docs/concepts for more", []),
        (_TLS + b"\0https://shop.test.io/api/v2/items\0", [Need.CERTIFICATES]),
        (b"os.CreateTemp\0", []),
        (_TLS + _URL + b"webpki-roots-0.26", []),
        (b"libssl.so.3\0" + _URL, [Need.CERTIFICATES]),
        (b"time.LoadLocation\0Europe/Berlin\0", [Need.ZONES]),
        (b"time.LoadLocation\0", []),
        (b"time.LoadLocation\0Europe/Berlin\0time/tzdata", []),
    ],
)
def test_a_program_needs_what_it_uses(tmp_path: Path, content: bytes, needs: list[Need]) -> None:
    assert _needs(tmp_path, content) == needs


def test_a_zone_of_the_config_is_needed(tmp_path: Path) -> None:
    assert _needs(tmp_path, b"", ("TZ=Europe/Berlin",)) == [Need.ZONES]
    assert _needs(tmp_path, b"", ("TZ=UTC",)) == []


def test_what_is_there_is_not_missing(tmp_path: Path) -> None:
    files_of(tmp_path, {"etc/ssl/cert.pem": "x", "usr/share/zoneinfo/Europe/Berlin": "TZif"})
    assert _needs(tmp_path, _TLS + _URL, ("TZ=Europe/Berlin",)) == []


def test_variables_say_where_certificates_are(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"ca.pem": "x", "empty/ca.pem": "", "d/a.crt": "x"})
    assert certificates(files, {}) == ""
    assert certificates(files, {"SSL_CERT_FILE": "/ca.pem"}) == "/ca.pem"
    assert certificates(files, {"SSL_CERT_FILE": "/empty/ca.pem"}) == ""
    assert certificates(files, {"SSL_CERT_DIR": "/none:/d"}) == "/d"
    assert zones(files, {}) == ""


def test_commands_of_scripts_need_things(tmp_path: Path) -> None:
    text = "curl https://a.test.io/x\ncurl -k https://b\nT=$(mktemp)\nmktemp\nwhoami\n"
    names = ("sh", "curl", "mktemp", "whoami")
    programs: dict[str, bytes | str] = {f"bin/{name}": ELF for name in names}
    modes = dict.fromkeys(programs, 0o755)
    files = files_of(tmp_path, programs, modes)
    config = ContainerConfig(cmd=("/bin/sh", "-c", text))
    found = list(evidence(files, reached(files, config), {}, ""))
    assert [(each.need, each.path) for each in found] == [
        (Need.CERTIFICATES, "/bin/curl"),
        (Need.TEMPORARY, "/bin/mktemp"),
        (Need.ACCOUNT, "/bin/whoami"),
    ]


def test_python_that_fetches_with_the_standard_library_needs_certificates(tmp_path: Path) -> None:
    text = "import urllib.request\nurllib.request.urlopen('https://api.test.io/')\n"
    files = files_of(tmp_path, {"bin/python": ELF, "app.py": text}, {"bin/python": 0o755})
    config = ContainerConfig(cmd=("python", "/app.py"))
    found = list(evidence(files, reached(files, config), {}, "a"))
    assert [(each.need, each.path) for each in found] == [(Need.CERTIFICATES, "/app.py")]
