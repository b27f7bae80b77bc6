"""Git repositories, made on the spot and reached as files."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.api.disk import disk_usage
from jettison.api.fsck import check_store
from jettison.api.prune import prune
from jettison.api.session import Session
from jettison.errors import ContextError, DigestMismatchError, HostError
from jettison.fs.lock import FileLock
from jettison.plan.op import GitOp
from jettison.settings import Settings
from jettison.source.access import Access
from jettison.source.git import Checkout, GitSource
from jettison.source.git_repository import repository as held_repository
from jettison.store.store import Store


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    if shutil.which("git") is None:
        if os.environ.get("CI"):
            pytest.fail("git is missing")
        pytest.skip("git is missing")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }

    def run(directory: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=directory,
            env=environ,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A repository with a tag `v1`, a branch `other`, and `main` on top."""
    root = fill(tmp_path / "repo", {"f": "one", "sub/x": "x", "run.sh": "#!/bin/sh", "l": "-> f"})
    (root / "run.sh").chmod(0o777)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "1")
    git(root, "tag", "-a", "v1", "-m", "v1")
    git(root, "branch", "other")
    fill(root, {"f": "the second"})
    git(root, "commit", "-qam", "2")
    return root


@pytest.fixture
def get(tmp_path: Path, repository: Path, store: Store) -> Callable[..., Checkout]:
    def run(**fields: object) -> Checkout:
        into = tmp_path / f"into{len(list(tmp_path.iterdir()))}"
        into.mkdir()
        op = GitOp(**{"remote": str(repository), **fields})  # type: ignore[arg-type]
        return GitSource(store, Access(os.environ), allow_files=True).checkout(op, into)

    return run


@pytest.mark.parametrize(
    ("ref", "content"),
    [
        ("", "the second"),
        ("main", "the second"),
        ("v1", "one"),
        ("other", "one"),
        ("refs/tags/v1", "one"),
        ("refs/heads/main", "the second"),
        ("tags/v1", "one"),
    ],
)
def test_a_ref_is_checked_out(get: Callable[..., Checkout], ref: str, content: str) -> None:
    done = get(ref=ref)
    assert (done.directory / "f").read_text() == content
    assert not (done.directory / ".git").exists()


@pytest.mark.parametrize("length", [7, 12, 40])
def test_a_commit_is_checked_out(
    get: Callable[..., Checkout], git: Callable[..., str], repository: Path, length: int
) -> None:
    commit = git(repository, "rev-parse", "v1^{commit}")
    done = get(ref=commit[:length])
    assert done.commit == commit
    assert (done.directory / "f").read_text() == "one"


def test_modes_are_those_that_git_knows(get: Callable[..., Checkout]) -> None:
    directory = get().directory
    assert stat.S_IMODE((directory / "run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((directory / "f").stat().st_mode) == 0o644
    assert stat.S_IMODE((directory / "sub").stat().st_mode) == 0o755
    assert (directory / "l").is_symlink()


def test_the_git_directory_can_be_kept(get: Callable[..., Checkout]) -> None:
    assert (get(keep_git_dir=True).directory / ".git/HEAD").exists()


def test_a_subdirectory_is_all_there_is(get: Callable[..., Checkout]) -> None:
    assert os.listdir(get(subdir="sub").directory) == ["x"]
    assert os.listdir(get(subdir="/sub/../sub/").directory) == ["x"]


@pytest.mark.parametrize("subdir", ["missing", "f", "../..//etc"])
def test_a_subdirectory_must_be_there(get: Callable[..., Checkout], subdir: str) -> None:
    with pytest.raises(ContextError, match="has no directory"):
        get(subdir=subdir)


def test_a_subdirectory_never_leads_out(
    get: Callable[..., Checkout], git: Callable[..., str], repository: Path, tmp_path: Path
) -> None:
    (repository / "out").symlink_to(tmp_path)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "3")
    with pytest.raises(ContextError, match="has no directory"):
        get(subdir="out")


@pytest.mark.parametrize("ref", ["nosuch", "0" * 40, "abcdef0", "--upload-pack=x", "a b", "x^{}"])
def test_an_unknown_ref_is_an_error(get: Callable[..., Checkout], ref: str) -> None:
    with pytest.raises(ContextError):
        get(ref=ref)


def test_a_checksum_is_the_beginning_of_the_commit(
    get: Callable[..., Checkout], git: Callable[..., str], repository: Path
) -> None:
    commit = git(repository, "rev-parse", "main")
    assert get(checksum=commit[:12]).commit == commit
    with pytest.raises(DigestMismatchError, match="expected checksum to match"):
        get(checksum="0123456")


def test_submodules_come_along_unless_not_wanted(
    get: Callable[..., Checkout], git: Callable[..., str], repository: Path, tmp_path: Path
) -> None:
    module = fill(tmp_path / "module", {"inside": "m"})
    git(module, "init", "-q", "-b", "main")
    git(module, "add", "-A")
    git(module, "commit", "-qm", "1")
    git(repository, "submodule", "add", "-q", str(module), "mod")
    git(repository, "commit", "-qm", "3")
    with_modules = get().directory
    assert sorted(os.listdir(with_modules / "mod")) == ["inside"]
    assert os.listdir(get(submodules=False).directory / "mod") == []


def test_hooks_and_filters_of_a_repository_do_not_run(
    get: Callable[..., Checkout], git: Callable[..., str], repository: Path, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    fill(repository, {".gitattributes": "f filter=evil\n"})
    git(repository, "config", "filter.evil.smudge", f"touch {proof}; cat")
    hook = repository / ".git/hooks/post-checkout"
    fill(repository / ".git", {"hooks/post-checkout": f"#!/bin/sh\ntouch {proof}\n"})
    hook.chmod(0o755)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "3")
    proof.unlink(missing_ok=True)
    get()
    assert not proof.exists()


@pytest.mark.parametrize(
    "remote", ["/etc", "file:///etc", "ext::sh -c true", "-x", "--upload-pack=x", "ftp://h/x.git"]
)
def test_other_remotes_are_refused(store: Store, tmp_path: Path, remote: str) -> None:
    with pytest.raises(ContextError, match="is no git remote"):
        GitSource(store, Access(os.environ)).checkout(GitOp(remote), tmp_path)


def test_a_missing_git_program_is_told(store: Store, tmp_path: Path) -> None:
    source = GitSource(store, Access({"PATH": str(tmp_path)}))
    with pytest.raises(HostError, match="there is no git program"):
        source.checkout(GitOp("https://host.invalid/x.git"), tmp_path)


def test_a_checkout_knows_when_the_commit_was_made(
    git: Callable[..., str], repository: Path, get: Callable[..., Checkout]
) -> None:
    expected = int(git(repository, "show", "-s", "--format=%ct", "other"))
    assert get(ref="other").time == expected > 0


def commands(store: Store, remote: object, tmp_path: Path, **fields: object) -> list[str]:
    """Check out; return what git was told to do with the remote."""
    told: list[str] = []
    into = tmp_path / f"into{len(list(tmp_path.iterdir()))}"
    into.mkdir()
    source = GitSource(store, Access(os.environ), allow_files=True, log=told.append)
    source.checkout(GitOp(str(remote), **fields), into)  # type: ignore[arg-type]
    return [each.split()[1] for each in told if str(remote) in each and "remote add" not in each]


def test_a_commit_is_fetched_once_and_a_branch_costs_one_look(
    store: Store, repository: Path, git: Callable[..., str], tmp_path: Path
) -> None:
    first = git(repository, "rev-parse", "main")
    assert commands(store, repository, tmp_path) == ["ls-remote", "fetch"]
    assert commands(store, repository, tmp_path) == ["ls-remote"]
    assert commands(store, repository, tmp_path, ref=first) == []
    fill(repository, {"f": "the third"})
    git(repository, "commit", "-qam", "3")
    assert commands(store, repository, tmp_path) == ["ls-remote", "fetch"]
    assert commands(store, repository, tmp_path, ref="v1") == ["ls-remote", "fetch"]
    assert commands(store, repository, tmp_path, ref="v1") == ["ls-remote"]
    assert commands(store, repository, tmp_path, ref=first, keep_git_dir=True) == []


def test_a_commit_below_a_shallow_one_is_fetched(
    store: Store, repository: Path, git: Callable[..., str], tmp_path: Path
) -> None:
    old = git(repository, "rev-parse", "v1^{commit}")
    commands(store, repository, tmp_path)
    assert commands(store, repository, tmp_path, ref=old[:10]) == ["ls-remote", "fetch"]


def test_offline_takes_a_commit_that_is_kept(
    store: Store, repository: Path, git: Callable[..., str], tmp_path: Path
) -> None:
    commit = git(repository, "rev-parse", "main")
    commands(store, repository, tmp_path)
    source = GitSource(store, Access(os.environ, offline=True), allow_files=True)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    done = source.checkout(GitOp(str(repository), commit), tmp_path / "a")
    assert (done.directory / "f").read_text() == "the second"
    with pytest.raises(ContextError, match="--offline"):
        source.checkout(GitOp(str(repository), "main"), tmp_path / "b")


def test_what_a_killed_fetch_left_and_damage_are_mended(
    store: Store, repository: Path, tmp_path: Path
) -> None:
    commands(store, repository, tmp_path)
    (kept,) = [path for path in store.git.iterdir() if path.is_dir()]
    (kept / "shallow.lock").touch()
    (kept / "objects/pack/tmp_pack_x").touch()
    assert commands(store, repository, tmp_path, ref="v1") == ["ls-remote", "fetch"]
    for pack in kept.glob("objects/**/*"):
        if pack.is_file():
            pack.chmod(0o600)
            pack.write_bytes(b"rot")
    assert "fetch" in commands(store, repository, tmp_path, ref="v1")


def test_a_kept_git_directory_tells_nothing_of_this_host(
    store: Store, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "into").mkdir()
    op = GitOp(str(repository), keep_git_dir=True)
    source = GitSource(store, Access(os.environ), allow_files=True)
    directory = source.checkout(op, tmp_path / "into").directory / ".git"
    for path in directory.rglob("*"):
        if path.is_file():
            assert os.fsencode(store.root) not in path.read_bytes()
    assert not {"hooks", "logs", "FETCH_HEAD"} & set(os.listdir(directory))
    assert "url = " + str(repository) in (directory / "config").read_text()


def test_files_have_the_time_of_the_commit_where_that_is_asked_for(
    get: Callable[..., Checkout],
) -> None:
    done = get(commit_times=True, ref="v1")
    for path in (done.directory, *done.directory.rglob("*")):
        assert path.lstat().st_mtime == done.time
    assert get(ref="v1").directory.lstat().st_mtime > done.time


def test_what_is_kept_is_counted_and_pruned(store: Store, repository: Path, tmp_path: Path) -> None:
    commands(store, repository, tmp_path)
    with Session.open(Settings(root=str(store.root)), os.environ) as session:
        (row,) = disk_usage(session)
        assert (row.name, row.needed_by) == ("git repository", "")
        assert row.size_bytes > 300
        assert check_store(session) == []
        assert prune(session, scope="nothing").cache_mounts == 0
        assert prune(session, scope="everything").cache_mounts == 1
        assert disk_usage(session) == []
    assert commands(store, repository, tmp_path) == ["ls-remote", "fetch"]


def test_a_git_that_outlives_its_builder_keeps_others_from_its_repository(store: Store) -> None:
    with held_repository(store, "https://host.invalid/x.git") as (path, lock):
        orphan = subprocess.Popen(["sleep", "30"], pass_fds=(lock,), start_new_session=True)
    other = FileLock(path.with_name(path.name + ".lock"))
    try:
        assert not other.acquire(wait=False)
    finally:
        orphan.kill()
        orphan.wait()
    assert other.acquire(wait=False)
    other.release()
