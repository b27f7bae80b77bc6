"""Findings through the early cutoff are those of a full check, whatever was edited in between."""

from __future__ import annotations

import os
import random
import re
import shutil
import string
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from jettison.api import check_cutoff
from jettison.api.build import build
from jettison.api.check_cutoff import Cutoff, Kept, NotedSecrets, changed_files
from jettison.api.image_checks import _Check, _check
from jettison.api.request import BuildRequest, BuildResult
from jettison.api.roots import Roots
from jettison.api.secret_facts import ImageSecrets
from jettison.api.session import Session
from jettison.check.subject import Subject
from jettison.events import discard
from jettison.findings.finding import Finding
from jettison.fs.listing import Listing
from jettison.fs.watched import Watch, WatchedListing, without_sizes
from jettison.image.names import find_image
from jettison.settings import Settings

TOKEN = "ghp_" + "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=36))
SOURCE = Path(__file__).parents[3] / "src/jettison"
DOCKERFILE = """\
FROM scratch AS made
COPY made /made
FROM scratch
COPY base /
COPY --from=made /made/one /made/two /opt/
COPY --from=made /made/bin /opt/bin
COPY --from=made /made/lib /opt/lib
COPY app /app
COPY over /
ENV PATH=/bin:/opt/bin APP=1
WORKDIR /app
ENTRYPOINT ["/app/start.sh"]
CMD ["serve"]
"""
FILES = {
    "base/bin/sh": "<true>",
    "base/etc/passwd": "root:x:0:0::/:/bin/sh\nuser:x:7:7::/:/bin/sh\n",
    "base/etc/ld.so.conf": "/usr/lib\n",
    "base/usr/share/doc/x/y": "text",
    "base/data/large": "data",
    "base/over/hidden": "hidden",
    "made/one": "1" * 20_000,
    "made/two": "2" * 20_000,
    "made/bin/tool": "<true>",
    "made/bin/script": "#!/bin/sh\necho\n",
    "app/start.sh": "#!/bin/sh\nexec /app/run.sh\n",
    "app/run.sh": "#!/bin/sh\ncat /app/data\n",
    "app/package.json": '{"name": "x", "main": "index.js"}',
    "app/index.js": "require('./lib')",
    "app/lib.js": "",
    "app/data": "some data",
    "app/other": "other data",
    "app/.git/config": "[core]",
    "app/.git/objects/x": "x" * 100,
    "app/.cache/pip/wheel": "x",
    "app/settings.ini": "name = value\n",
    "app/copy": "c" * 600_000,
    "app/free": "free",
    "base/data/free": "free too",
    "made/lib/free": "and free",
    "over/over/hidden": "other",
    "over/app/other": "again",
}
CONTENTS = (
    "some data",
    "other bytes",
    "",
    "x" * 70_000,
    "c" * 600_000,
    "1" * 20_000,
    "2" * 20_000,
    "y" * 2_100_000,
    "z" * 11_000_000,
    "#!/bin/sh\nexec /app/index.js\n",
    "#!/bin/none\n",
    "#!/bin/sh\ncurl https://example.com/x\n",
    f"token = {TOKEN}\n",
    "<true>",
    "<true>more",
    "root:x:0:0::/:/bin/none\n",
)


class Rig:
    """Builds a folder again and again.

    Args:
        session: The store.
        folder: The context.
    """

    def __init__(self, session: Session, folder: Path) -> None:
        self.session = session
        self.folder = folder
        self.true = Path(shutil.which("true") or "/bin/true").read_bytes()
        (folder / "Dockerfile").write_text(DOCKERFILE)
        for name, content in FILES.items():
            self.write(name, content)
            if re.search(r"/bin/|\.sh$", name):
                (folder / name).chmod(0o755)

    def write(self, name: str, content: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        data = content.encode()
        path.write_bytes(self.true + data[6:] if content.startswith("<true>") else data)

    def build(self) -> BuildResult:
        return build(self.session, BuildRequest(context=str(self.folder)), discard)

    def found(self) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """Return what a build says, and what a check says that knows of no other."""
        built = self.build()
        image = find_image(self.session.store, built.image_id)
        roots = Roots(self.session, image, read=True)
        secrets = NotedSecrets(ImageSecrets(self.session, image, roots.provenance, None))
        full = _check(_Check(self.session, image, roots, (), None), secrets, None)
        of_image = {each.rule for each in full or ()}
        said = tuple(each for each in built.findings if each.rule.startswith("MS"))
        assert full is not None
        assert of_image or not said
        return said, full


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    (tmp_path / "context").mkdir()
    with Session.open(Settings(root=str(tmp_path / "store")), os.environ) as session:
        yield Rig(session, tmp_path / "context")


@pytest.fixture
def hits(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each check was cut off."""
    found: list[bool] = []
    find = Cutoff.find

    def noted(self: Cutoff, *arguments: ImageSecrets) -> Kept | None:
        kept = find(self, *arguments)
        found.append(kept is not None)
        return kept

    monkeypatch.setattr(Cutoff, "find", noted)
    return found


Edit = Callable[[Rig, random.Random], None]


def _content(rig: Rig, chance: random.Random) -> None:
    rig.write(chance.choice(list(FILES)), chance.choice(CONTENTS))


def _few(rig: Rig, chance: random.Random) -> None:
    name = chance.choice(
        ["app/free", "base/data/free", "made/lib/free", "app/index.js", "made/one"]
    )
    rig.write(name, f"some data {chance.randrange(10 ** chance.randrange(1, 9))}\n")


def _mode(rig: Rig, chance: random.Random) -> None:
    path = rig.folder / chance.choice(list(FILES))
    if path.is_file() and not path.is_symlink():
        path.chmod(chance.choice([0o644, 0o755, 0o666, 0o4755, 0o600]))


def _link(rig: Rig, chance: random.Random) -> None:
    path = rig.folder / chance.choice(["app/data", "app/lib.js", "over/app/other", "app/index.js"])
    path.unlink(missing_ok=True)
    path.symlink_to(chance.choice(["/app/run.sh", "nowhere", "copy"]))


def _gone(rig: Rig, chance: random.Random) -> None:
    (rig.folder / chance.choice(["app/data", "app/run.sh", "over/app/other"])).unlink(
        missing_ok=True
    )


def _back(rig: Rig, chance: random.Random) -> None:
    name = chance.choice(list(FILES))
    rig.write(name, FILES[name])
    (rig.folder / name).chmod(0o755 if re.search(r"/bin/|\.sh$", name) else 0o644)


EDITS: tuple[Edit, ...] = (_content, _content, _few, _few, _few, _mode, _link, _gone, _back, _back)


@pytest.mark.parametrize("seed", range(3))
def test_findings_are_those_of_a_full_check_after_random_edits(
    rig: Rig, hits: list[bool], seed: int
) -> None:
    chance = random.Random(seed)
    for number in range(24):
        edit = chance.choice(EDITS)
        edit(rig, chance)
        said, full = rig.found()
        assert said == full, f"edit {number}, {edit.__name__}"
    assert 3 < hits.count(True) < len(hits) - 3  # both ways were gone


ONE_FILE = {
    "a script that is started": ("app/run.sh", "#!/bin/sh\n/bin/nothing\n"),
    "an interpreter": ("app/start.sh", "#!/bin/none\n"),
    "a secret": ("app/settings.ini", f"token = {TOKEN}\n"),
    "an empty program": ("made/bin/tool", ""),
    "a program of another kind": ("made/bin/tool", "#!/bin/nothing\n"),
    "a large file": ("base/data/large", "z" * 31_000_000),
    "a second copy": ("base/data/large", "d" * 1_200_000),
    "a cache": ("app/.cache/pip/wheel", "x" * 1_500_000),
    "what the context should leave out": ("app/.git/objects/x", "x" * 1_500_000),
    "equal files": ("made/two", "1" * 20_000),
}


@pytest.mark.parametrize("name", ONE_FILE)
def test_one_file_that_rules_look_at_changes_what_they_find(
    rig: Rig, hits: list[bool], name: str
) -> None:
    rig.write("app/copy", "d" * 1_200_000)
    before, _ = rig.found()
    rig.write(*ONE_FILE[name])
    said, full = rig.found()
    assert said == full
    if name != "equal files":  # links of them are not looked for
        assert said != before
    assert hits == [False, False]


def test_a_file_that_no_rule_looks_at_loads_no_rule(
    rig: Rig, hits: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("over", "app/.git", "app/.cache"):  # of which MS601, MS205 and MS605 go by sizes
        shutil.rmtree(rig.folder / name)
    rig.write("over/more", "hides nothing")
    rig.found()
    rig.write("app/free", "other bytes, and more of them")
    rig.write("made/lib/free", "x" * 5)
    made: list[object] = []
    init = Subject.__init__
    monkeypatch.setattr(
        Subject, "__init__", lambda self, *more: (made.append(self), init(self, *more))[1]
    )
    rig.build()
    assert (hits, made) == ([False, True], [])
    monkeypatch.undo()
    said, full = rig.found()
    assert said == full


NOTICED = {
    "bytes of files": (Watch, "one", lambda *_: None, "a script that is started"),
    "facts": (Watch, "fact", lambda *_: None, "a large file"),
    "programs": (check_cutoff, "may_be_program", lambda *_: False, "a program of another kind"),
    "secrets": (check_cutoff, "_digest_of", lambda _: "", "a secret"),
}


@pytest.mark.parametrize("what", NOTICED)
def test_each_thing_that_is_noticed_is_needed(
    rig: Rig, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, name, nothing, edit = NOTICED[what]
    monkeypatch.setattr(place, name, nothing)
    said, full = rig.found()
    assert said == full
    rig.write(*ONE_FILE[edit])
    said, full = rig.found()
    assert said != full


def test_rules_that_go_by_all_sizes_run_again(rig: Rig, hits: list[bool]) -> None:
    rig.write("base/over/hidden", "h" * 3_000_000)  # MS601: what the layer above hides
    before, _ = rig.found()
    assert "MS601" in {each.rule for each in before}
    rig.write("base/data/free", "z" * 30_000)
    said, full = rig.found()
    assert said == full
    assert hits == [False, True]


def test_other_text_and_other_settings_are_another_question(rig: Rig, hits: list[bool]) -> None:
    rig.found()
    (rig.folder / "Dockerfile").write_text(DOCKERFILE + "# jettison global ignore=MS507\n")
    said, full = rig.found()
    assert said == full
    assert hits == [False, False]
    assert "MS507" not in {each.rule for each in said}


def test_what_is_kept_may_be_damaged(rig: Rig, hits: list[bool]) -> None:
    rig.found()
    database = rig.session.store.database
    damaged = 0
    for question, answer in database.query("SELECT question, answer FROM answer"):
        with suppress(msgspec.DecodeError):
            msgspec.msgpack.decode(answer, type=Kept)
            database.execute("UPDATE answer SET answer = x'c1' WHERE question = ?", (question,))
            damaged += 1
    rig.write("app/free", "other bytes")
    said, full = rig.found()
    assert said == full
    assert (hits, damaged) == ([False, False], 1)


def listing(sizes: list[int], digests: bytes = b"", paths: str = "ab") -> Listing:
    count = len(paths)
    zeros = [0] * count
    return Listing([f"/{name}" for name in paths], [0o100644] * count, zeros, zeros, sizes, digests)


def test_changed_files_are_those_of_other_bytes_and_those_that_are_not_known() -> None:
    one, two, three = b"1" * 32, b"2" * 32, b"3" * 32
    before = listing([1, 1], one + two)
    assert changed_files(before, before) == set()
    assert changed_files(before, listing([1, 1], one + three)) == {1}
    assert changed_files(before, listing([1, 2], one + two)) == {1}
    assert changed_files(before, listing([1, 1])) == {0, 1}
    assert changed_files(before, listing([1, 1], one + two, "ac")) is None
    assert changed_files(before, listing([1], one, "a")) is None


def test_a_watched_listing_says_the_same_and_tells() -> None:
    watch, plain = Watch(), listing([1, 2], b"1" * 32 + b"2" * 32)
    watched = watch.listing("layer", plain)
    assert isinstance(watched, WatchedListing)
    assert (watched.paths, watched.modes, watched.index) == (plain.paths, plain.modes, plain.index)
    assert (watch.files, watch.count) == ({}, 0)
    assert (watched.size(1), watched.digest(0)) == (2, b"1" * 32)
    assert (watch.files, watch.count) == ({"layer": {0, 1}}, 0)
    assert (watched.sizes, watched.digests) == (plain.sizes, plain.digests)
    assert watched.raw_digests == plain.raw_digests
    assert watch.count == 3
    assert without_sizes(watched).sizes == []
    assert watch.count == 3
    assert watched.plain is plain.plain is plain


def test_sizes_are_asked_for_where_it_is_noted() -> None:
    places = [SOURCE / "check", SOURCE / "analysis"]
    asking = {
        path.relative_to(SOURCE).as_posix()
        for place in places
        for path in place.rglob("*.py")
        if re.search(r"\bst\.size\b|\]\.size\b|stat\.size\b", path.read_text())
    }
    # Of those, reports and bills of materials ask; `Files` notes it.
    assert {each for each in asking if "/packages/" not in each} == {"analysis/files.py"}
