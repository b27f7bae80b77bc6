"""``jettison why`` and ``build --explain`` as programs and people see them."""

from __future__ import annotations

import json

from scratch_rig import Scratch

TEXT = """FROM busybox AS made
COPY file /file
RUN cat /file > /made
FROM busybox AS test
RUN echo npm test
FROM busybox
COPY --from=made /made /made
"""


def test_nothing_is_known_of_an_empty_store_and_of_images_from_elsewhere(scratch: Scratch) -> None:
    nothing = scratch.run("why")
    assert nothing.returncode == 125
    assert "no build is known in this store" in nothing.stderr
    assert "hint: " in nothing.stderr
    unknown = scratch.run("why", "app")
    assert unknown.returncode == 4
    assert "app" in unknown.stderr


def test_events_text_and_json_say_the_same(scratch: Scratch) -> None:
    (scratch.context / "file").write_text("one\n")
    assert scratch.build(TEXT, "-t", "app").returncode == 0
    (scratch.context / "file").write_text("two\n")
    scratch.dockerfile(TEXT)
    built = scratch.run("build", "--progress=rawjson", "-t", "app", scratch.context)
    events = [json.loads(line) for line in built.stderr.splitlines()]
    found = [each for each in events if each["event"] == "why"]
    assert [each["cause"] for each in found] == ["file-content"] * 3
    assert found[0]["files"] == [["file", "content"]]
    assert found[0]["root"] == found[0]["vertex"] == found[1]["root"]
    (skipped,) = [each for each in events if each["event"] == "skipped"]
    assert (skipped["name"], skipped["tests"]) == ("test", [[9, "RUN echo npm test"]])
    document = json.loads(scratch.run("why", "app", "--json").stdout)
    assert [each["vertex"] for each in document["steps"]] == [each["vertex"] for each in found]
    assert document["roots"][0]["steps"] == [each["vertex"] for each in found]
    text = scratch.run("why").stdout
    assert "`file` has another content" in text
    assert "RUN echo npm test" in text
    one = scratch.run("why", "last", "cat /file").stdout
    assert one.startswith("why 1 step ran")
    assert "then [made 2/2]" in one
    none = scratch.run("why", "last", "99")
    assert none.returncode == 125
    assert "steps at these lines ran: 6, 7, 11" in none.stderr
    again = scratch.build(TEXT, "-t", "app", "--explain")
    assert "nothing ran: 6 steps were cached" in again.stderr


def test_a_build_that_fails_is_explained_as_well(scratch: Scratch) -> None:
    (scratch.context / "file").write_text("one\n")
    assert scratch.build(TEXT).returncode == 0
    failed = scratch.build(TEXT.replace("cat /file", "cat /gone"), "--explain")
    assert failed.returncode != 0
    assert "The instruction was changed: `cat /file >` → `cat /gone >`" in failed.stderr
    assert "failed" in failed.stderr
    mended = scratch.build(TEXT.replace("> /made", "> /made && true"), "--explain")
    assert "The instruction was changed" in mended.stderr
