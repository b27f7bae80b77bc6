"""git may not read a repository, or does not find it or the branch."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_PROTOCOL = (
    ("unauthenticated git protocol", r"unauthenticated git protocol"),
    ("unable to connect to", r"fatal: unable to connect to (?P<name>[\w.-]+)"),
)
_SSH = (
    ("permission denied (publickey", r"Permission denied \(publickey"),
    ("host key verification failed", r"Host key verification failed"),
    ("could not read from remote", r"Could not read from remote repository"),
    ("cannot run ssh", r"(?:cannot run|exec:?) ssh"),
)
_PRIVATE = (
    ("could not read username", r"could not read Username for '(?P<name>[^']+)"),
    ("could not read password", r"could not read Password for '(?P<name>[^']+)"),
    ("authentication failed", r"Authentication failed for '(?P<name>[^']+)"),
    ("terminal prompts disabled", r"terminal prompts disabled"),
    ("repository not found", r"(?:remote|ERROR): Repository not found"),
    ("not found", r"(?:fatal|remote|repository)\W.*'(?P<name>(?:https?|git|ssh)[^']+)' not found"),
    ("invalid username or password", r"remote: Invalid username or password"),
    ("could not be found or you don't", r"project you were looking for could not be found"),
    ("support for password authentication", r"Support for password authentication was removed"),
    ("requested url returned error: 40", r"unable to access '(?P<name>[^']+)'.*error: 40[134]"),
)
_REF = (
    ("remote branch", r"Remote branch (?P<name>\S+) not found"),
    ("did not match any", r"pathspec '(?P<name>[^']+)' did not match any"),
    ("find remote ref", r"[Cc]ouldn't find remote ref (?P<name>\S+)"),
    ("reference is not a tree", r"reference is not a tree: (?P<name>\S+)"),
    ("ambiguous argument", r"ambiguous argument '(?P<name>[^']+)'"),
    ("did not contain", r"Revision (?P<name>\S+) does not exist in the repository"),
    ("not our ref", r"not our ref (?P<name>\S+)"),
    ("is not a commit", r"fatal: '?(?P<name>\S+?)'? is not a commit"),
)
_NO_REPOSITORY = (
    ("not a git repository", r"(?i)fatal: not a git repository"),
    ("unable to read current", r"(?i)unable to find git"),
    ("setuptools-scm was unable", r"setuptools[-_]scm was unable to detect version"),
    ("error obtaining vcs status", r"error obtaining VCS status"),
)
_OWNER = (("dubious ownership", r"detected dubious ownership in repository at '(?P<name>[^']+)'"),)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    log = failure.log
    if log.find(*_OWNER, last=60):
        return _cause(
            "git refuses a repository that belongs to another user",
            "files of the context are root's, and the step's user is another",
            "COPY it with `--chown`, or `RUN git config --global --add safe.directory '*'`",
        )
    if log.find(*_PROTOCOL, last=60) and not log.find(*_SSH, last=60):
        return _cause(
            "the server does not speak git's own protocol (`git://`)",
            "GitHub and others have switched it off",
            'use https: `RUN git config --global url."https://".insteadOf git://`',
        )
    found = log.find(*_PRIVATE, last=60)
    if found is not None:
        name = found.groupdict().get("name") or ""
        return _cause(
            f"git may not read {quoted(name)}" if name else "git may not read a repository",
            "it is private, or there is none of that name: servers do not tell which",
            "correct the address, or give a token with `RUN --mount=type=secret`",
        )
    if log.find(*_SSH, last=60):
        return _cause(
            "git may not read a repository by ssh",
            "the step has no key, or does not know the server's",
            "use `RUN --mount=type=ssh` and `--ssh default`, with the host in `known_hosts`; or https",
        )
    found = log.find(*_REF, last=60)
    if found is not None:
        return _cause(
            f"the repository has no {quoted(found['name'])}",
            "the branch, tag or commit was renamed or removed, or the clone is not deep enough",
            "name a branch, tag or commit that is there",
        )
    if log.find(*_NO_REPOSITORY, last=3):
        hidden = failure.hidden_by(".git")
        why = "`.git` is not in the stage"
        if hidden is not None:
            why = f"the ignore file excludes it with {quoted(hidden)}"
        return _cause(
            "the step asks git, and there is no repository",
            why,
            "pass what it asks for by ARG (a version, a commit), or COPY `.git`",
        )
    return None


def _cause(what: str, why: str, fix: str) -> Cause:
    return Cause("git-access", what, why, fix)
