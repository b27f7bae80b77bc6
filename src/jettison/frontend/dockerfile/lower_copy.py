"""COPY and ADD: instructions to one ``CopyOp``.

In:  a COPY or ADD, the state of its stage.
Out: a vertex with one input for every origin of files, and the history entry.

Source: Dockerfile reference, "COPY", "ADD"; BuildKit (checks and their texts).
"""

from __future__ import annotations

import re

from jettison.errors import DockerfileSyntaxError, StageGraphError
from jettison.frontend.dockerfile import history
from jettison.frontend.dockerfile.gitref import git_op, parse_git_reference
from jettison.frontend.dockerfile.names import shown
from jettison.frontend.dockerfile.stages import Step
from jettison.frontend.dockerfile.state import Build, StageInput, StageState, clean
from jettison.frontend.dockerfile.syntax import Add, Copy, Heredoc
from jettison.frontend.dockerfile.text import quote
from jettison.frontend.dockerfile.words import expand
from jettison.oci.redact import redacted
from jettison.plan.gitref import GitReference
from jettison.plan.op import CopyOp, CopySource, HttpOp
from jettison.plan.vertex import Vertex

_OCTAL = r"[0-7]+"
_SYMBOLIC = r"[ugoa]*(?:[-+=](?:[ugo]|[rwxXst]*))+"
_CHECKSUM = r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):([A-Za-z0-9=_-]+)"
_CHECKSUM_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}


def lower_copy(build: Build, state: StageState, step: Step, instruction: Copy | Add) -> None:
    """Lower one COPY or ADD, the instruction of a step.

    As in BuildKit, ``--link`` does not count together with ``--chmod``.

    Raises:
        FrontendError: a flag or a source is wrong.
    """
    sources = tuple(state.expand(each) for each in instruction.sources)
    dest = state.expand(instruction.dest)
    owner = state.expand(instruction.chown)
    mode = state.expand(instruction.chmod)
    parents = isinstance(instruction, Copy) and instruction.parents
    link = instruction.link and not mode
    check_mode(mode)
    if link:
        _check_linked_owner(owner)
    source = step.sources[0] if isinstance(instruction, Copy) and step.sources else None
    files = _Sources(build, _input(build, state, step))
    if isinstance(instruction, Add):
        files.add_all(instruction, sources, state.expand(instruction.checksum))
    else:
        files.copy_all(sources)
    files.inline(instruction.heredocs, state)
    values = state.scope.values
    name = state.names.next(shown(instruction.original, values), values, on_build=step.on_build)
    op = CopyOp(
        sources=tuple(files.sources),
        dest=destination(dest, state.cwd),
        owner=owner or None,
        mode=mode or None,
        exclude=instruction.exclude,
        parents=parents,
        link=link,
        unpack=files.unpack,
        from_image=files.from_image,
    )
    state.root = build.add(
        op,
        name=name,
        base=state.root,
        inputs=tuple(files.inputs),
        stage=state.stage.index,
        span=instruction.span,
        ignore_cache=state.ignore_cache,
        source=source.index if source is not None else -1,
    )
    text = history.copy_text(
        instruction.name,
        sources,
        [heredoc.name for heredoc in instruction.heredocs],
        dest,
        owner=owner,
        mode=mode,
        parents=parents,
    )
    state.image.commit(text, vertex=state.root.digest)


def destination(path: str, cwd: str) -> str:
    """Return the absolute destination; a trailing slash means a directory.

    >>> destination("b/.", "/a"), destination(".", "/a"), destination("/c", "/a")
    ('/a/b/', '/a/', '/c')
    """
    joined = clean(cwd, path)
    is_directory = path in {"", "."} or path.endswith(("/", "/."))
    return joined + "/" if is_directory and joined != "/" else joined


def check_mode(mode: str) -> None:
    """Check a ``--chmod``: octal, or symbolic as chmod(1) takes it.

    Raises:
        DockerfileSyntaxError: neither.
    """
    if not mode or (re.fullmatch(_OCTAL, mode) and int(mode, 8) <= 0o7777):
        return
    if not mode[0].isdigit() and all(re.fullmatch(_SYMBOLIC, each) for each in mode.split(",")):
        return
    raise DockerfileSyntaxError(
        f"invalid chmod parameter: '{mode}'. it should be octal string and between 0 and 07777",
        hint="write it like 644 or u=rwX,go=rX",
    )


def _check_linked_owner(owner: str) -> None:
    """Refuse names: a linked layer does not look at the image, so not at its users either.

    ``root`` is 0 everywhere.

    Raises:
        DockerfileSyntaxError: The user or the group is a name.
    """
    for kind, name in zip(("user", "group"), owner.split(":", 1), strict=False):
        if name not in {"", "root"} and not (name.isascii() and name.isdigit()):
            raise DockerfileSyntaxError(
                f"--link cannot resolve the {kind} {quote(name)} of --chown={owner}:"
                " a linked layer does not see the files of the image",
                hint="write numeric IDs, such as --chown=1000:1000, or leave --link out",
            )


def _input(build: Build, state: StageState, step: Step) -> StageInput | None:
    """Return what ``--from`` means; None is the build context."""
    instruction = step.instruction
    if not isinstance(instruction, Copy) or not step.sources:
        return None
    source = step.sources[0]
    if source is None:
        return None
    if source.index >= 0 and source.index not in build.done:
        raise StageGraphError(
            f'cannot copy from stage "{instruction.from_name}", it needs to be defined before'
            f' current stage "{state.stage.label}"',
            hint="move that stage up",
        )
    return build.input(source)


class _Sources:
    """Collects the sources of one instruction and the vertices that they are in."""

    def __init__(self, build: Build, given: StageInput | None) -> None:
        self.sources: list[CopySource] = []
        self.inputs: list[Vertex] = []
        self.unpack: bool | None = None
        self._build = build
        self._given = given

    @property
    def from_image(self) -> bool:
        """Whether the files come from a root file system."""
        return self._given is not None and self._given.is_root

    def copy_all(self, paths: tuple[str, ...]) -> None:
        """Take COPY's sources."""
        for path in paths:
            if self._given is None:
                _check_local(path)
            self._add(self._files(), path)

    def add_all(self, instruction: Add, paths: tuple[str, ...], checksum: str) -> None:
        """Take ADD's sources, which may be URLs and git references."""
        if checksum and len(paths) + len(instruction.heredocs) != 1:
            raise DockerfileSyntaxError("checksum can't be specified for multiple sources")
        kinds: list[bool] = []
        for path in paths:
            git = parse_git_reference(path)
            if git is not None:
                self._add_git(instruction, git, path, checksum)
            elif path.startswith(("http://", "https://")):
                _check_checksum(checksum)
                op = HttpOp(path, checksum=checksum, name=_file_name(path))
                vertex = self._build.add(op, name=redacted(path), span=instruction.span)
                self._add(vertex, _literal(op.name))
            elif checksum:
                raise DockerfileSyntaxError("checksum requires HTTP(S) or Git sources")
            else:
                self._add(self._files(), path)
                kinds.append(True)
                continue
            kinds.append(False)
        self._decide_unpacking(instruction.unpack, kinds)

    def inline(self, heredocs: tuple[Heredoc, ...], state: StageState) -> None:
        """Take heredocs as files."""
        for heredoc in heredocs:
            text = heredoc.text
            if heredoc.expand:
                text = expand(text, state.scope.values, quotes=False).text
            self.sources.append(CopySource(name=heredoc.name, content=text.encode()))

    def _decide_unpacking(self, asked: bool | None, local: list[bool]) -> None:
        """Unpack what is asked, else local archives; differing sources say it one by one."""
        if asked is not None or all(local) or not any(local):
            self.unpack = asked if asked is not None else all(local)
            return
        self.unpack = True
        for index, is_local in enumerate(local):
            if not is_local:
                source = self.sources[index]
                self.sources[index] = CopySource(path=source.path, input=source.input, unpack=False)

    def _add_git(self, instruction: Add, git: GitReference, path: str, checksum: str) -> None:
        op = git_op(git, keep_git_dir=instruction.keep_git_dir, checksum=checksum)
        self._add(self._build.add(op, name=redacted(path), span=instruction.span), "/")

    def _files(self) -> Vertex:
        return self._given.vertex if self._given is not None else self._build.context()

    def _add(self, vertex: Vertex, path: str) -> None:
        if vertex not in self.inputs:
            self.inputs.append(vertex)
        self.sources.append(CopySource(path=path, input=self.inputs.index(vertex)))


def _check_local(path: str) -> None:
    if parse_git_reference(path) is not None:
        raise DockerfileSyntaxError(
            "source can't be a git ref for COPY", hint="use ADD for git repositories"
        )
    if path.startswith(("http://", "https://")):
        raise DockerfileSyntaxError("source can't be a URL for COPY", hint="use ADD for URLs")


def _check_checksum(text: str) -> None:
    if not text:
        return
    match = re.fullmatch(_CHECKSUM, text)
    if match is None:
        raise DockerfileSyntaxError(
            "invalid checksum digest format", hint="write it like sha256:<64 hex digits>"
        )
    digits = _CHECKSUM_DIGITS.get(match[1])
    if digits is None:
        raise DockerfileSyntaxError(
            "unsupported digest algorithm", hint="use sha256, sha384 or sha512"
        )
    if len(match[2]) != digits or re.fullmatch(r"[0-9a-f]+", match[2]) is None:
        raise DockerfileSyntaxError(
            "invalid checksum digest length", hint=f"{match[1]} has {digits} hex digits"
        )


def _literal(name: str) -> str:
    """Return the pattern that matches exactly a name.

    >>> _literal("a[1]*.txt")
    'a[[]1][*].txt'
    """
    return re.sub(r"[*?\[\\]", lambda match: f"[{match[0].replace(chr(92), chr(92) * 2)}]", name)


def _file_name(url: str) -> str:
    """Return the last part of a URL's path.

    >>> _file_name("https://h/a/b.tar?x=/y"), _file_name("https://h/")
    ('b.tar', '__unnamed__')
    """
    path = re.split(r"[?#]", url.partition("://")[2], maxsplit=1)[0].partition("/")[2]
    path = re.sub(
        r"(?:%[0-9A-Fa-f]{2})+",
        lambda match: bytes.fromhex(match[0].replace("%", "")).decode(errors="replace"),
        path,
    )
    name = path.rstrip("/").rpartition("/")[2]
    return name if name not in {"", ".", ".."} and "\0" not in name else "__unnamed__"
