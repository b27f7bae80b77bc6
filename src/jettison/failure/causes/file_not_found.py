"""A file that the step needs is not in the stage; where the ignore file hid it, its rule is named."""

from __future__ import annotations

import posixpath
import re

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_P = r"(?P<name>[^\s'\"`:]+)"
_SIGNS = (
    ("no such file or directory @", rf"No such file or directory @ \w+ - {_P}"),
    (
        "no such file",
        rf"(?:cp|mv|ls|stat|chmod|chown|cat|rm|tail|head|grep|sed|find|tar|install|touch|gzip|unzip|dos2unix|ln|du|strip|rmdir|readlink|diff|sort|sh|bash|ash|dash|source|python\d?|pip\d?|patch|sha\d+sum|md5sum|gunzip|dpkg|rpm|go|ldconfig|php|perl|ruby|node|gpg|bunzip2|xz|wc|cut|awk)\W.{{0,60}}?['\"`:] ?{_P}['\"]?:? (?:No such file|no such file)",
    ),
    ("cannot stat", rf"(?:cannot|can't) stat ['\"`]?{_P}"),
    ("cannot access", rf"cannot access ['\"`]?{_P}['\"]?: No such"),
    ("can't cd to", rf"can't cd to {_P}"),
    ("cd: ", rf"cd: {_P}: No such file or directory"),
    ("can't read", rf"sed: can't read {_P}: No such"),
    ("cannot create", rf"cannot create {_P}: (?:Directory nonexistent|No such)"),
    ("can't create", rf"can't create {_P}: (?:nonexistent directory|No such)"),
    (
        "cannot create",
        rf"cannot create (?:directory|regular file|symbolic link) [']{_P}[']: No such",
    ),
    ("could not open lock file", r"lock file (?P<name>/\S+) - open \(2: No such"),
    (
        "cannot open",
        rf"(?:[Cc]annot|[Cc]an't|[Uu]nable to|[Cc]ould not|[Ff]ailed to) open (?!lock)(?:file |requirements file: \[Errno 2\] No such file or directory: |input file:? )?['\"]?{_P}",
    ),
    (
        "can't open",
        rf"(?:[Cc]annot|[Cc]an't|Could not|Failed to) open (?!lock)(?:file |script )?['\"]?{_P}",
    ),
    (
        "could not open",
        rf"[Cc]ould not open (?!lock)(?:requirements file: \[Errno 2\] No such file or directory: |input file: |config file:? )?['\"]?{_P}",
    ),
    ("errno 2", rf"\[Errno 2\] No such file or directory: '{_P}"),
    ("enoent", rf"ENOENT: no such file or directory, \w+ '{_P}'"),
    (
        "no such file or directory",
        rf"(?:ba|da|a)?sh: (?:line )?(?:\d+: )?{_P}: No such file or directory",
    ),
    (
        "no such file or directory",
        rf"(?:open|stat|lstat|chdir|read) {_P}: no such file or directory",
    ),
    ("cannot find or open", rf"cannot find or open {_P}"),
    ("is not installable", rf"Directory '{_P}' is not installable"),
    ("path '", rf"[Pp]ath '{_P}' does not exist"),
    (
        "does not exist",
        rf"(?i)(?:file|directory|path|folder|project)[: ]+['\"]?{_P}['\"]? (?:does not|doesn't) exist",
    ),
    ("does not exist", r"\bMSB1009: .*|MSBUILD : error MSB1003"),
    ("does not contain", rf"(?i)(?:directory|folder) ['\"]?{_P}['\"]? does not contain a"),
    ("cannot find module", r"Cannot find module '(?P<name>\.{0,2}/[^']+)'"),
    ("invalid requirement", rf"ERROR: Invalid requirement: '{_P}'"),
    ("not a valid editable requirement", rf"{_P} is not a valid editable requirement"),
    ("should either be a path", rf"{_P} should either be a path to a local project"),
    ("no rule to make target", rf"No rule to make target ['`]{_P}['], needed by"),
    ("no such file", rf"^(?:/\S*/)?\w+: {_P}: No such file or directory"),
    ("file not found", rf"(?i)(?:file not found|no such file):? ['\"(]?{_P}"),
    (
        "not found",
        r"sh: (?:line )?(?:\d+: )?(?P<name>\.{0,2}/[^\s:]+|\S+\.sh): (?:not found|No such)",
    ),
    (
        "no such file or directory",
        r"exec(?:ute)?:? [\"'`]?(?P<name>/[^\s\"'`]+)[\"'`]?: .*[Nn]o such file",
    ),
)
_MANIFESTS = (
    ("no makefile found", r"No targets specified and no makefile found", "Makefile"),
    ("could not locate gemfile", r"Could not locate Gemfile", "Gemfile"),
    ("could not read package.json", r"Could not read package\.json", "package.json"),
    ("couldn't find a package.json", r"Couldn't find a package\.json", "package.json"),
    ("cannot find main module", r"go: cannot find main module", "go.mod"),
    ("go.mod file not found", r"go\.mod file not found in current directory", "go.mod"),
    ("could not find `cargo.toml`", r"could not find `Cargo\.toml`", "Cargo.toml"),
    ("the goal you specified requires", r"goal you specified requires a project to execute", "pom.xml"),
    ("composer could not find a composer.json", r"could not find a composer\.json", "composer.json"),
    ("could not find a pyproject.toml", r"could not find a pyproject\.toml", "pyproject.toml"),
    ("nor 'pyproject.toml' found", r"[Nn]either 'setup\.py' nor 'pyproject\.toml' found", "setup.py"),
    ("file 'setup.py' not found", r"File '?setup\.py'? not found", "setup.py"),
    ("setup.py' not found", r"[Ff]ile '?setup\.py'? not found", "setup.py"),
    ("no rakefile found", r"No Rakefile found", "Rakefile"),
    ("no go files in", r"[Nn]o (?:buildable )?Go (?:source )?files in", "*.go"),
    ("specify a project or solution", r"Specify a project or solution file", "*.csproj"),
    ("does not appear to contain cmakelists", r"does not appear to contain CMakeLists", "CMakeLists.txt"),
    ("does not contain a gradle build", r"does not contain a Gradle build", "build.gradle"),
    ("cannot find or execute", r"unable to find local grunt", "Gruntfile.js"),
    ("no gulpfile found", r"No gulpfile found", "gulpfile.js"),
    ("patch: **** can't find file", r"can't find file to patch", "the file to patch"),
    ("no pipfile", r"No Pipfile present", "Pipfile"),
    ("environment.yml", r"EnvironmentFileNotFound: '(?P<name>[^']+)'", "environment.yml"),
    ("environmentfilenotfound", r"EnvironmentFileNotFound", "environment.yml"),
    ("manifest file", r"no (?:Cargo|manifest).* found in", "Cargo.toml"),
)  # fmt: skip
_LAST = 30


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    name = _missing(failure)
    if name is None:
        return None
    hidden = _hidden(failure, name)
    if hidden is not None:
        path, pattern = hidden
        return Cause(
            "hidden-by-ignore-file",
            f"{quoted(name)} is not in the stage",
            f"the ignore file excludes it with {quoted(pattern)}",
            f"add `!{path[:100]}` after that rule",
        )
    if failure.head(name) is not None and name.startswith("/"):
        return None  # the file is there; its interpreter is not
    return Cause(
        "file-not-found",
        f"{quoted(name)} is not in the stage"
        if name
        else "a file of the project is not in the stage",
        f"the working directory is `{failure.directory[:80]}`; a step sees what was copied before it",
        "COPY it in an earlier instruction, or correct its path or WORKDIR",
    )


def _missing(failure: Failure) -> str | None:
    """Return the name of what is missing, None if nothing is."""
    for literal, pattern, name in _MANIFESTS:
        found = failure.log.find((literal, pattern), last=_LAST)
        if found is not None:
            return found.groupdict().get("name") or name
    found = failure.log.find(*_SIGNS, last=_LAST)
    if found is None or re.search(r"\.h(?:pp)?: No such file", found.string):
        return None
    return (found.groupdict().get("name") or "").rstrip(".,;)")


def _hidden(failure: Failure, name: str) -> tuple[str, str] | None:
    """Return the path in the context and the rule of the ignore file that hides it."""
    inside = posixpath.normpath(posixpath.join(failure.directory, name))
    for each in (name, posixpath.relpath(inside, failure.directory), posixpath.basename(name)):
        path = each.lstrip("/").removeprefix("./")
        if path and not path.startswith("..") and "*" not in path:
            pattern = failure.hidden_by(path)
            if pattern is not None:
                return path, pattern
    return None
