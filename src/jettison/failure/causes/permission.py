"""The step's USER may not do that: `permission denied`, `are you root?`."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("permission denied", r"(?i)(?:['\"](?P<name>/?[\w./@-]+)['\"]?: |(?P<path>/[\w./@-]+): )?permission denied(?! \(publickey)"),
    ("eacces", r"EACCES:? (?:permission denied, \w+ ['\"](?P<name>[^'\"]+))?"),
    ("are you root", r"are you root\?"),
    ("superuser privilege", r"requested operation requires superuser privilege"),
    ("must be root", r"(?i)(?:must be|need to be|has to be) (?:run as )?(?:the )?(?:root|superuser)"),
    ("need root", r"(?i)(?:you )?need (?:to be )?root(?: privileges| permissions)?"),
    ("this command has to be run", r"This command has to be run (?:with superuser privileges|under the root)"),
    ("you need to be root", r"You need to be root"),
    ("notwritableerror", r"NotWritableError"),
    ("errno 13", r"\[Errno 13\]"),
    ("don't have write permissions", r"You don't have write permissions for the (?P<name>\S+)"),
    ("not writable", r"(?P<name>/\S+) (?:is|are) not writable"),
    ("gem::filepermissionerror", r"Gem::FilePermissionError"),
    ("only root", r"(?i)only root (?:may|can)"),
    ("operation not permitted", r"(?i)['\"](?P<name>/[^'\"]+)['\"]: operation not permitted"),
    ("unable to lock database", r"Unable to lock database"),
    ("not in the sudoers", r"is not in the sudoers file"),
    ("chown", r"Operation not permitted @ \w*chown"),
)  # fmt: skip


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=15)
    if found is None:
        return None
    groups = found.groupdict()
    name = (groups.get("name") or groups.get("path") or "").rstrip(":")
    where = f" on {quoted(name)}" if name else ""
    if failure.is_root:
        return Cause(
            "permission",
            f"the step may not do that{where}",
            "it runs as root, but as root of a sandbox: kernel settings and mounts are not its own",
            "see whether a file's mode or a read-only mount is behind it; else `--security=insecure`",
        ) if _is_kernel(name) else Cause(
            "permission",
            f"permission denied{where}",
            "a program that the step runs changes to another user, or the file is not executable",
            "look at the owner and the mode of the file: `RUN ls -ld …`",
        )  # fmt: skip
    return Cause(
        "permission",
        f"the user {quoted(failure.user)} may not do that{where}",
        f"`USER {failure.user[:40]}` holds for this step; the files are another's, most often root's",
        "do it before USER or after `USER root`, or give the files away with `COPY --chown`",
    )


def _is_kernel(name: str) -> bool:
    return name.startswith(("/proc", "/sys", "/dev"))
