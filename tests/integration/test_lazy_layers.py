"""What builds fetch of base images, in bytes, as a real registry counts them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from jettison.api.build import build
from jettison.api.prune import prune
from jettison.api.request import BuildRequest, BuildResult
from jettison.api.session import Session
from jettison.cli.outputs import parse_output
from jettison.events import discard
from jettison.oci.manifest import Manifest
from jettison.oci.reference import parse_reference
from jettison.settings import Settings
from registry_server import RegistryServer

pytestmark = pytest.mark.needs_root

BASE = """FROM scratch
COPY bottom /data/bottom
COPY usr /usr
COPY etc /etc
COPY middle /data/middle
COPY tool /usr/bin/tool
"""
TOP, REST = 4, (0, 1, 2, 3)


class Rig:
    """A base image in a registry, and builds on it in fresh stores."""

    def __init__(self, directory: Path, registry: RegistryServer) -> None:
        self.directory = directory
        self.registry = registry
        self.base = f"{registry.host}/team/base:1"
        context = directory / "base"
        for name, content in {
            "bottom": os.urandom(300_000),
            "middle": os.urandom(200_000),
            "tool": b"a tool",
            "etc/passwd": b"app:x:10:11::/:/bin/sh\n",
            "usr/bin/old": b"old",
        }.items():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            (context / name).write_bytes(content)
        (context / "usr/sbin").symlink_to("bin")
        (context / "Dockerfile").write_text(BASE)
        self.build("base-store", str(context), self.base)
        self.layers = [each.digest for each in self.manifest(self.base).layers]
        self.seen = len(registry.requests())

    def build(
        self, store: str, context: str, tag: str, *, push: bool = True, pull: bool = False
    ) -> BuildResult:
        request = BuildRequest(context, tags=(tag,), push=push, pull=pull, checks="none")
        with self.session(store) as session:
            return build(session, request, discard)

    def session(self, store: str) -> Session:
        settings = Settings(root=str(self.directory / store), ca_bundle="none")
        return Session.open(settings, {"HOME": str(self.directory)})

    def on_base(self, store: str, text: str, tag: str, content: str = "app") -> BuildResult:
        """Build a Dockerfile in a store, and push it."""
        context = self.directory / f"{store}-context"
        context.mkdir(exist_ok=True)
        (context / "app").write_text(content)
        (context / "Dockerfile").write_text(text.replace("BASE", self.base))
        self.seen = len(self.registry.requests())
        return self.build(store, str(context), f"{self.registry.host}/{tag}")

    def fetched(self) -> dict[int, int]:
        """Return the bytes that were fetched of the base since the last build began, by layer."""
        found: dict[int, int] = {}
        for each in self.registry.requests()[self.seen :]:
            digest = each.path.rpartition("/")[2]
            if each.method == "GET" and digest in self.layers:
                number = self.layers.index(digest)
                found[number] = found.get(number, 0) + each.size
        return found

    def manifest(self, name: str) -> Manifest:
        with self.session("reader") as session:
            found = session.registry().manifest(parse_reference(name))
            assert found is not None
            return msgspec.json.decode(found.data, type=Manifest)

    def files(self, name: str) -> dict[str, bytes]:
        """Return what the files of a pushed image are, as another store unpacks it."""
        context = self.directory / "reading"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(f"FROM {name}\n")
        out = self.directory / f"out-{os.urandom(4).hex()}"
        request = BuildRequest(
            str(context), outputs=(parse_output(f"type=local,dest={out}"),), pull=True
        )
        with self.session("reader") as session:
            build(session, request, discard)
        return {
            str(path.relative_to(out)): path.read_bytes()
            for path in out.rglob("*")
            if path.is_file() and not path.is_symlink()
        }


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    directory = tmp_path_factory.mktemp("lazy")
    with RegistryServer(directory / "registry") as registry:
        yield Rig(directory, registry)


@pytest.fixture
def store() -> str:
    """A store that nobody used."""
    return f"store-{os.urandom(4).hex()}"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("FROM BASE\nCOPY --link --chown=10:11 app /srv/app\nUSER app\n", "team/app:1"),
        ("FROM BASE\nCOPY --link app /app\n", "team/base:app"),
        ('FROM BASE AS unused\nENV A=1\nFROM unused\nCMD ["/usr/bin/tool"]\n', "team/app:2"),
    ],
    ids=["link", "link-same-repository", "metadata"],
)
def test_no_byte_of_the_base_is_fetched(rig: Rig, store: str, text: str, tag: str) -> None:
    rig.on_base(store, text, tag)
    assert rig.fetched() == {}
    assert rig.manifest(f"{rig.registry.host}/{tag}").layers[:5] == rig.manifest(rig.base).layers


def test_a_copy_onto_a_base_that_was_looked_at_before_fetches_nothing_of_it(
    rig: Rig, store: str
) -> None:
    text = "FROM BASE\nCOPY --chown=app app /usr/sbin/\nWORKDIR /srv\n"
    rig.on_base(store, text, "team/copy:1")
    assert sorted(rig.fetched()) == [0, 1, 2, 3, 4]
    with rig.session(store) as session:  # the blobs go, and what was built
        for image in session.store.images.all():
            session.store.images.remove(image.id)
        prune(session, scope="unshared")
        assert not any(map(session.store.blobs.has, rig.layers))
    first = rig.manifest(f"{rig.registry.host}/team/copy:1").layers[5:]
    rig.on_base(store, text.replace("=app", "=10:11"), "team/copy:2", "changed")
    assert rig.fetched() == {}
    second = rig.manifest(f"{rig.registry.host}/team/copy:2").layers[5:]
    assert first[0] != second[0]
    files = rig.files(f"{rig.registry.host}/team/copy:2")
    assert files["usr/bin/app"] == b"changed"  # through the base's link
    assert files["usr/bin/old"] == b"old"


def test_a_copy_from_an_image_stops_when_its_paths_are_settled(rig: Rig, store: str) -> None:
    rig.on_base(store, "FROM scratch\nCOPY --from=BASE /usr/bin/tool /bin/tool\n", "team/from:1")
    assert list(rig.fetched()) == [TOP]
    assert rig.files(f"{rig.registry.host}/team/from:1") == {"bin/tool": b"a tool"}


def test_a_copy_of_what_is_further_down_goes_no_deeper(rig: Rig, store: str) -> None:
    rig.on_base(store, "FROM scratch\nCOPY --from=BASE /etc/passwd /\n", "team/from:2")
    assert sorted(rig.fetched()) == [2, 3, 4]
    with rig.session(store) as session:
        layers = [each.layer for image in session.store.images.all() for each in image.layers]
        here = [layer for layer in layers if session.layer_store.info(layer) is not None]
    assert len(here) == 1  # the COPY's: nothing of the base was unpacked


def test_a_base_that_a_step_runs_on_is_unpacked(rig: Rig, store: str, need: Callable) -> None:
    busybox = rig.directory / f"{store}-context"
    busybox.mkdir()
    (busybox / "busybox").write_bytes(Path(need("busybox")).read_bytes())
    text = 'FROM BASE\nCOPY --chmod=755 busybox /bin/\nRUN ["/bin/busybox", "touch", "/x"]\n'
    rig.on_base(store, text, "team/run:1")
    assert sorted(rig.fetched()) == [0, 1, 2, 3, 4]
    assert "x" in rig.files(f"{rig.registry.host}/team/run:1")


def test_of_a_base_with_tables_of_contents_only_what_is_wanted_is_read(
    rig: Rig, store: str, need: Callable
) -> None:
    """Tables as skopeo writes them: zstd:chunked."""
    chunked = f"{rig.registry.host}/team/chunked:1"
    arguments = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    arguments += ["--dest-compress-format=zstd:chunked"]
    subprocess.run(
        [need("skopeo"), "copy", *arguments, f"docker://{rig.base}", f"docker://{chunked}"],
        check=True,
        capture_output=True,
    )
    before, base = rig.layers, rig.base
    try:
        rig.base = chunked
        layers = rig.manifest(chunked).layers
        rig.layers = [each.digest for each in layers]
        text = "FROM BASE AS b\nFROM BASE\nCOPY --from=b /etc/passwd /usr/sbin/tool /usr/sbin/\n"
        rig.on_base(store, text, "team/from-chunked:1")
        fetched = rig.fetched()
        assert sum(fetched.values()) < 20_000 < layers[0].size
        assert rig.files(f"{rig.registry.host}/team/from-chunked:1")["usr/bin/passwd"]
        rig.on_base(store, text.replace("/etc/passwd ", ""), "team/from-chunked:2")
        assert list(rig.fetched()) == [TOP]  # the tool: tables are kept
        assert sum(rig.fetched().values()) < 100
    finally:
        rig.layers, rig.base = before, base
