"""``provenance`` and ``diff`` through the command line, as root and as a user."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

from e2e.command import Cli

TEXT = """\
FROM box AS builder
WORKDIR /src
COPY a b /src/
RUN mkdir /out && cp both /out/bin && echo built > /out/b2 && ln /out/b2 /out/hard
RUN --mount=type=bind,from=box,source=/etc,target=/mnt cp /mnt/group /out/group
RUN dd if=/dev/zero of=/left bs=1000 count=50

FROM box AS mid
COPY --from=builder /out /mid
COPY --parents c/x/h /par/

FROM box
WORKDIR /app/deep
COPY --from=mid /mid/b* /mid/group /app/
COPY --from=mid /mid/hard /app/x/
ADD arch.tar /arch/
COPY <<EOF /heredoc.txt
hello
EOF
COPY --link --from=mid /par /par
COPY c/link /linked
RUN ln -s app /short && chmod 600 /app/bin && rm /arch/both
"""
FILES = {"a/f1": "a1", "a/both": "a2", "b/both": "b1", "b/sub/g": "b2", "c/x/h": "h"}


def archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in ("f1", "both"):
            member = tarfile.TarInfo(name)
            member.size = 2
            tar.addfile(member, io.BytesIO(b"xx"))
    return data.getvalue()


def build(cli: Cli, text: str, tag: str) -> None:
    context = cli.context({"Dockerfile": text, **FILES, "arch.tar": archive()})
    (context / "c/link").symlink_to("../a/f1")
    cli("build", "-q", "-t", tag, context)


@pytest.fixture(scope="module")
def image(cli: Cli) -> str:
    build(cli, TEXT, "traced")
    return "traced"


def way(cli: Cli, image: str, path: str) -> list[tuple[str, str, str | None, int | None]]:
    document = json.loads(cli("provenance", "--json", image, path).stdout)
    (found,) = [each for each in document["paths"] if each["kind"] != "directory"]
    return [(e["path"], e["how"], e["stage"], e["line"]) for e in found["chain"]]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "/app/b2",
            [
                ("/app/b2", "copy", "2", 14),
                ("/mid/b2", "copy", "mid", 9),
                ("/out/b2", "run", "builder", 4),
            ],
        ),
        (
            "app/x/hard",
            [
                ("/app/x/hard", "copy", "2", 15),
                ("/mid/hard", "copy", "mid", 9),
                ("/out/hard", "run", "builder", 4),
            ],
        ),
        (
            "/app/group",
            [
                ("/app/group", "copy", "2", 14),
                ("/mid/group", "copy", "mid", 9),
                ("/out/group", "run", "builder", 5),
            ],
        ),
        (
            "/app/bin",
            [
                ("/app/bin", "metadata", "2", 22),
                ("/app/bin", "copy", "2", 14),
                ("/mid/bin", "copy", "mid", 9),
                ("/out/bin", "run", "builder", 4),
            ],
        ),
        ("/short", [("/short", "run", "2", 22)]),
        ("/heredoc.txt", [("/heredoc.txt", "copy", "2", 17), ("EOF", "heredoc", None, None)]),
        ("/arch/f1", [("/arch/f1", "copy", "2", 16), ("/arch.tar", "context", None, None)]),
        ("/linked", [("/linked", "copy", "2", 21), ("/a/f1", "context", None, None)]),
        (
            "/par/c/x/h",
            [
                ("/par/c/x/h", "copy", "2", 20),
                ("/par/c/x/h", "copy", "mid", 10),
                ("/c/x/h", "context", None, None),
            ],
        ),
        ("/bin/busybox", [("/bin/busybox", "base", "2", 12)]),
        ("/short/x/hard", None),
    ],
)
def test_the_way_of_a_path(cli: Cli, image: str, path: str, expected) -> None:
    if expected is None:  # through a link of the image
        assert way(cli, image, path) == way(cli, image, "/app/x/hard")
    else:
        assert way(cli, image, path) == expected


def test_text_is_like_blame(cli: Cli, image: str) -> None:
    said = cli("blame", image, "/app/b2").stdout.splitlines()
    assert said[0].split() == ["/app/b2", "6B"]
    assert said[1].split()[:2] == ["2", "Dockerfile:14"]
    assert said[2].split()[:2] == ["mid", "Dockerfile:9"]
    assert said[3].startswith("  builder  Dockerfile:4")
    assert said[3].endswith("was /out/b2")


def test_what_came_together_is_one_row(cli: Cli, image: str) -> None:
    rows = [line.split(maxsplit=5) for line in cli("provenance", image).stdout.splitlines()]
    found = {row[4]: row for row in rows[1:]}
    assert found["/par/"][:3] == ["mid", "10", "1"]
    assert found["/bin/"][:2] == ["2", "12"]
    assert found["/app/deep/"][:3] == ["2", "13", "0"]
    every = cli("provenance", "--files", image, "/app", "/par/*").stdout.splitlines()
    assert [line.split()[4] for line in every[1:]] == [
        "/app/b2",
        "/app/bin",
        "/app/group",
        "/app/x/hard",
        "/par/c/x/h",
    ]


@pytest.mark.parametrize(
    ("path", "hint"),
    [("/app/x/har", "/app/x/hard"), ("/nowhere/hard", "/app/x/hard"), ("/qqqqq", "lists")],
)
def test_a_path_that_is_not_there_is_an_error_with_what_is_near(cli, image, path, hint) -> None:
    said = cli.attempt("provenance", image, path)
    assert (said.returncode, said.stdout) == (125, "")
    assert f"`{image}` has no `{path}`" in said.stderr
    assert hint in said.stderr.splitlines()[-1]


def test_an_image_from_elsewhere_has_its_history(cli: Cli, image: str) -> None:
    archive = cli.output()
    cli("save", "-o", archive, image)
    other = cli.with_store("store-other")
    other("load", "-i", archive)
    document = json.loads(other("provenance", "--json", image, "/heredoc.txt").stdout)
    (link,) = document["paths"][0]["chain"]
    assert link["how"] == "base"
    assert "COPY" in link["instruction"]


def test_diff_tells_files_config_and_causes(cli: Cli, image: str) -> None:
    changed = TEXT.replace("echo built", "echo rebuilt") + "USER 5\nENV A=1\nRUN rm -r /par\n"
    changed = changed.replace("chmod 600", "chmod 640").replace("USER 5\n", "")
    build(cli, changed + "USER 5\n", "traced-2")
    said = cli.attempt("diff", image, "traced-2")
    assert said.returncode == 1
    lines = [" ".join(line.split()) for line in said.stdout.splitlines()]
    assert "~ /app/b2 content 6B -> 8B [builder line 4]" in lines
    assert "~ /app/bin mode 0600 -> 0640 [line 22]" in lines
    assert "- /par/ 1 files, 1B [line 20]" in lines
    assert "+ Env.A 1" in lines
    assert "+ User 5" in lines
    document = json.loads(cli.attempt("diff", "--json", image, "traced-2").stdout)
    assert document["schema"] == "diff/v1"
    total = document["after"]["bytes"] - document["before"]["bytes"]
    assert sum(each["delta_bytes"] for each in document["causes"]) == total


def test_diff_ends_as_diff_does(cli: Cli, image: str) -> None:
    same = cli.attempt("diff", image, image)
    assert (same.returncode, same.all) == (0, "")
    quiet = cli.attempt("diff", "-q", image, "box")
    assert (quiet.returncode, quiet.stdout) == (1, "")
    lacking = cli.attempt("diff", image, "nobody")
    assert (lacking.returncode, lacking.stdout) == (2, "")
    assert "no image `nobody`" in lacking.stderr


def test_a_run_that_changes_a_mode_is_one_place_on_the_way(cli: Cli):
    text = (
        "FROM box AS builder\nRUN echo 12345 > /app && echo 1 > /other\n"
        "FROM box\nCOPY --from=builder /app /other /srv/\nRUN chmod 700 /srv/app && echo 2 > /srv/other\n"
    )
    said = cli("build", "--report=json", "-q", "-t", "mode", cli.context({"Dockerfile": text}))
    found = json.loads(cli("provenance", "--json", "mode", "/srv/app", "/srv/other").stdout)
    ways = {each["path"]: [(e["how"], e["line"]) for e in each["chain"]] for each in found["paths"]}
    assert ways == {
        "/srv/app": [("metadata", 5), ("copy", 4), ("run", 2)],
        "/srv/other": [("run", 5)],
    }
    builder, final = json.loads(cli("report", "--report=json", "mode").stdout)["stages"]
    assert (builder["added"], builder["reached"], builder["left"]) == (8, 6, 2)
    assert (final["added"], final["reached"], final["left"]) == (8, 8, 0), said.stderr
