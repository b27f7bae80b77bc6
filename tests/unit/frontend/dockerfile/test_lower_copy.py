"""COPY and ADD: sources, destinations, flags."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.lower_copy import check_mode
from jettison.plan.op import CopyOp, CopySource, GitOp, HttpOp, LocalOp

SHA256 = "sha256:" + "0" * 64


@pytest.fixture
def copy(plan_for):
    """Lower one COPY or ADD; return its op and the ops of its inputs."""

    def lowered(text, before=""):
        plan = plan_for(f"FROM scratch\n{before}\n{text}")
        vertex = plan.vertices[-1]
        assert isinstance(vertex.op, CopyOp)
        by_digest = {each.digest: each.op for each in plan.vertices}
        return vertex.op, [by_digest[each] for each in vertex.inputs]

    return lowered


def test_sources_are_of_the_build_context(copy):
    op, inputs = copy("COPY a* /b/../c ../d /dest/")
    assert inputs == [LocalOp("context")]
    assert [source.path for source in op.sources] == ["a*", "/b/../c", "../d"]
    assert [source.input for source in op.sources] == [0, 0, 0]
    assert (op.unpack, op.from_image, op.owner, op.mode) == (None, False, None, None)


@pytest.mark.parametrize(
    ("dest", "joined"),
    [
        ("/x", "/x"),
        ("/x/", "/x/"),
        ("x", "/w/x"),
        ("x/", "/w/x/"),
        (".", "/w/"),
        ("./", "/w/"),
        ("..", "/"),
        ("../x/.", "/x/"),
        ("/", "/"),
        ("/../..", "/"),
        ("$D/y", "/w/d/y"),
    ],
)
def test_destinations_are_joined_and_keep_a_trailing_slash(copy, dest, joined):
    assert copy(f"COPY a {dest}", before="WORKDIR /w\nENV D=d")[0].dest == joined


def test_flags_are_expanded_where_the_language_says_so(copy):
    op, _ = copy(
        "COPY --chown=$U:g --chmod=$M --parents --exclude=$X --exclude=*.o a b",
        before="ENV U=me M=u+x",
    )
    assert (op.owner, op.mode, op.parents) == ("me:g", "u+x", True)
    assert op.exclude == ("$X", "*.o")


def test_link_does_not_count_together_with_chmod(copy):
    assert copy("COPY --link a b")[0].link
    assert not copy("COPY --link --chmod=755 a b")[0].link


@pytest.mark.parametrize("owner", ["0", "1000:", "4294967294:root", "root:7", ":5", "$EMPTY"])
def test_link_takes_owners_that_need_no_names(copy, owner):
    assert copy(f"COPY --link --chown={owner} a b", before='ENV EMPTY=""')[0].link


@pytest.mark.parametrize("instruction", ["COPY", "ADD"])
@pytest.mark.parametrize(
    ("owner", "who"),
    [
        ("app", 'user "app"'),
        ("app:", 'user "app"'),
        ("$U:0", 'user "app"'),
        ("0:app", 'group "app"'),
        ("1000:a:b", 'group "a:b"'),
        ("-1", 'user "-1"'),
    ],
)
def test_link_refuses_names_of_users_with_their_place(copy, instruction, owner, who):
    with pytest.raises(DockerfileSyntaxError) as caught:
        copy(f"{instruction} --link --chown={owner} a b", before="ENV U=app")
    assert caught.value.message.startswith(f"--link cannot resolve the {who} of --chown=")
    assert caught.value.span.line == 3
    # BuildKit copies onto the image then, so names are known.
    assert copy(f"{instruction} --link --chmod=1 --chown={owner} a b", before="ENV U=app")


@pytest.mark.parametrize("mode", ["0", "644", "07777", "u=rwX,go=rX", "+x", "g=u", "a-w", "u+s,o="])
def test_modes_are_octal_or_symbolic(mode):
    check_mode(mode)


@pytest.mark.parametrize(
    "mode", ["64a", "10000", "888", "rwx", "u", "u+q", "u=rw,", "+x,7", "\u0667"]
)
def test_other_modes_are_refused_with_buildkits_text(mode):
    with pytest.raises(DockerfileSyntaxError) as caught:
        check_mode(mode)
    assert caught.value.message == (
        f"invalid chmod parameter: '{mode}'. it should be octal string and between 0 and 07777"
    )


def test_heredocs_are_inline_files_expanded_unless_quoted(copy):
    op, inputs = copy(
        "COPY <<a <<'b' <<-c f /d/\n$V \"q\" \\$V\na\n$V\nb\n\ttab\nc", before="ENV V=1"
    )
    assert inputs == [LocalOp("context")]
    assert op.sources == (
        CopySource(path="f", input=0),
        CopySource(name="a", content=b'1 "q" $V\n'),
        CopySource(name="b", content=b"$V\n"),
        CopySource(name="c", content=b"tab\n"),
    )


def test_a_heredoc_alone_needs_no_input(copy):
    op, inputs = copy("COPY <<EOF /x\nEOF")
    assert (inputs, op.sources) == ([], (CopySource(name="EOF", content=b""),))


def test_add_unpacks_local_archives_and_keeps_remote_ones(copy):
    assert copy("ADD a.tar /")[0].unpack is True
    assert copy("ADD --unpack=false a.tar /")[0].unpack is False
    op, inputs = copy("ADD https://h/p/a.tar?x=/y /")
    assert (op.unpack, op.sources) == (False, (CopySource(path="a.tar", input=0),))
    assert inputs == [HttpOp("https://h/p/a.tar?x=/y", name="a.tar")]
    assert copy("ADD --unpack https://h/a.tar /")[0].unpack is True


def test_add_of_sources_of_many_kinds_is_one_copy(copy):
    op, inputs = copy("ADD a.tar https://h/b.tar https://h/r.git#v1:sub c <<EOF /d/\nx\nEOF")
    assert inputs == [
        LocalOp("context"),
        HttpOp("https://h/b.tar", name="b.tar"),
        GitOp("https://h/r.git", ref="v1", subdir="sub"),
    ]
    assert op.unpack is True
    assert [(each.path, each.input, each.unpack) for each in op.sources] == [
        ("a.tar", 0, None),
        ("b.tar", 1, False),
        ("/", 2, False),
        ("c", 0, None),
        ("", None, None),
    ]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h", "__unnamed__"),
        ("https://h/", "__unnamed__"),
        ("https://h/a/", "a"),
        ("https://h/a%20b#f", "a b"),
        ("https://h/x/..", "__unnamed__"),
        ("https://h/x%2f..", "__unnamed__"),
        ("https://h/%00", "__unnamed__"),
    ],
)
def test_files_of_urls_have_the_last_name_of_the_path(copy, url, name):
    op, _ = copy(f"ADD {url} /")
    assert op.sources[0].path == name


def test_git_flags_and_queries_are_joined(copy):
    _, inputs = copy(
        "ADD --keep-git-dir --checksum=$C git@h:o/r.git?tag=v1 /", before="ENV C=abcdef0"
    )
    assert inputs == [
        GitOp("git@h:o/r.git", ref="refs/tags/v1", checksum="abcdef0", keep_git_dir=True)
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("COPY https://h/f /", "source can't be a URL for COPY"),
        ("COPY git@h:o/r.git /", "source can't be a git ref for COPY"),
        ("COPY https://h/r.git /", "source can't be a git ref for COPY"),
        (f"ADD --checksum={SHA256} a /", "checksum requires HTTP(S) or Git sources"),
        (
            f"ADD --checksum={SHA256} https://h/a https://h/b /",
            "checksum can't be specified for multiple sources",
        ),
        ("ADD --checksum=md5:00 https://h/a /", "unsupported digest algorithm"),
        ("ADD --checksum=abc https://h/a /", "invalid checksum digest format"),
        ("ADD --checksum=sha256:00 https://h/a /", "invalid checksum digest length"),
        (
            "ADD --keep-git-dir=false https://h/r.git?keep-git-dir=1 /",
            "inconsistent keep-git-dir configuration",
        ),
    ],
)
def test_wrong_sources_are_refused_with_their_place(copy, text, message):
    with pytest.raises(DockerfileSyntaxError) as caught:
        copy(text)
    assert caught.value.message == message
    assert caught.value.span.line == 3
