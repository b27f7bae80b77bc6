"""What a git reference becomes: an op, joined with flags."""

from __future__ import annotations

import pytest

from jettison.plan.gitref import (
    GitReferenceError,
    is_git_reference,
    parse_git_reference,
    split_git_url,
)
from jettison.plan.op import GitOp

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "is_reference"),
    [
        ("https://h/a.git?x#y", True),
        ("HTTPS://h/a.git", True),
        ("httpsx://h/a.git", False),
        ("https://h/a.git/", False),
        ("git@h:a", True),
        ("git@h /a:b", False),
        ("file:///a.git", False),
        ("./https://h/a.git", False),
    ],
)
def test_the_form_of_a_text_tells_whether_it_is_one(text, is_reference):
    assert is_git_reference(text) is is_reference


def test_an_op_has_all_that_the_text_says():
    text = f"https://h/a.git?tag=v1&commit={COMMIT}&subdir=d&keep-git-dir&submodules=0&mtime=commit"
    assert parse_git_reference(text).op() == GitOp(
        remote="https://h/a.git",
        ref="refs/tags/v1",
        subdir="d",
        checksum=COMMIT,
        keep_git_dir=True,
        submodules=False,
        commit_times=True,
    )


def test_a_commit_alone_is_what_is_fetched():
    reference = split_git_url(f"git@h:a?checksum={COMMIT}")
    assert (reference.ref, reference.checksum, reference.remote) == (COMMIT, COMMIT, "git@h:a")


def test_flags_are_joined_with_what_the_text_says():
    op = split_git_url("https://h/a.git").op(keep_git_dir=True, checksum=COMMIT)
    assert (op.keep_git_dir, op.checksum, op.ref) == (True, COMMIT, "")
    same = split_git_url(f"https://h/a.git?checksum={COMMIT}&keep-git-dir=t")
    assert same.op(keep_git_dir=True, checksum=COMMIT).keep_git_dir


@pytest.mark.parametrize(
    ("query", "flags", "message"),
    [
        ("keep-git-dir=0", {"keep_git_dir": True}, "inconsistent keep-git-dir configuration"),
        (
            f"commit={COMMIT}",
            {"checksum": "1" * 40},
            f'checksum mismatch "{"1" * 40}" != "{COMMIT}"',
        ),
    ],
)
def test_flags_that_contradict_the_text_are_errors(query, flags, message):
    with pytest.raises(GitReferenceError) as caught:
        split_git_url(f"https://h/a.git?{query}").op(**flags)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("?nosuch=1", 'unexpected query "nosuch"'),
        ("?tag=a&tag=b", 'query "tag" is given more than once in `https://xxxxx:xxxxx@h/a.git`'),
        (
            "?tag=a&branch=b",
            "git reference `https://xxxxx:xxxxx@h/a.git` names several of ref, tag and branch",
        ),
        ("?tag=a#b", "ref conflicts: it is in the fragment and in the query"),
        ("?subdir=a#:b", "subdir conflicts: it is in the fragment and in the query"),
        ("?checksum=zz", "`zz` is not a commit"),
        (
            f"?checksum={COMMIT}&commit=1234567",
            "commit and checksum of a git reference contradict each other",
        ),
        ("?mtime=now", 'invalid mtime "now"'),
        ("?submodules=maybe", 'invalid boolean value for submodules: "maybe"'),
    ],
)
def test_what_is_wrong_is_told_without_credentials(rest, message):
    with pytest.raises(GitReferenceError) as caught:
        parse_git_reference(f"https://u:p@h/a.git{rest}")
    assert caught.value.message == message


def test_queries_are_decoded_and_what_is_no_text_is_replaced():
    reference = split_git_url("https://h/a.git?ref=a%2Fb+c&subdir=%ff")
    assert (reference.ref, reference.subdir) == ("a/b c", "\N{REPLACEMENT CHARACTER}")
