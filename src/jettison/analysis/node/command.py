"""What a command line of node, npm, yarn or pnpm starts.

In:  an argument vector.
Out: ``NodeStart``: files, and what is loaded before them; ``script_of``: which script of a
     ``package.json`` is run.

Source: node(1); npm-run-script(1), npm-start(1); yarn's and pnpm's `run`.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Sequence

import msgspec

from jettison.analysis.node.manifest import Manifest

_MANAGERS = frozenset({"npm", "yarn", "pnpm", "npm-cli.js", "yarn.js", "pnpm.cjs", "yarnpkg"})
_WITH_VALUE_NAMES = (
    "-r --require --import --loader --experimental-loader -C --conditions --title --icu-data- "
    "dir --input-type --stack-trace-limit --trace-event-categories --watch-path --env-file "
    "--env-file-if-exists --redirect-warnings --disable-warning --diagnostic-dir --report-dir "
    "--report-directory --cpu-prof-dir --heap-prof-dir --unhandled-rejections --max-http- "
    "header-size --dns-result-order --tls-cipher-list --openssl-config --secure-heap "
    "--inspect-port --localstorage-file --experimental-default-type --test-reporter --test- "
    "name-pattern"
)
_WITH_VALUE = frozenset(_WITH_VALUE_NAMES.split())
_NO_FILE_NAMES = (
    "-e --eval -p --print -pe -v --version -h --help -i --interactive --test --run "
    "--v8-options - --build-sea --prof-process --completion-bash"
)
_NO_FILE = frozenset(_NO_FILE_NAMES.split())
_LOADERS = frozenset({"--loader", "--experimental-loader", "-C", "--conditions"})
_PRELOADS = frozenset({"-r", "--require", "--import"})
_DECIDING = ("NODE_PATH=", "NODE_OPTIONS=", "PATH=")
"""Variables that decide what is found: a script that sets them is not followed."""
_OPERATORS = frozenset({"&&", "||", ";", "|", "&"})
_WRAPPERS = frozenset({"cross-env", "cross-env-shell", "env", "exec", "dotenv", "dotenvx", "nice"})


class NodeStart(msgspec.Struct, frozen=True):
    """What ``node`` is called with.

    Args:
        file: The program's first file, as written; empty for none.
        preloads: What ``--require`` and ``--import`` name.
        has_loader: Whether a loader or further conditions decide where modules are.
    """

    file: str
    preloads: tuple[str, ...] = ()
    has_loader: bool = False


def is_node(name: str) -> bool:
    """Tell whether a program's name is that of Node."""
    return posixpath.basename(name) in {"node", "nodejs"}


def is_manager(name: str) -> bool:
    """Tell whether a program's name is that of npm, Yarn or pnpm."""
    return posixpath.basename(name) in _MANAGERS


def node_start(arguments: Sequence[str], options: str = "") -> NodeStart | None:
    """Return what ``node`` with arguments starts, None if that is no file.

    Args:
        arguments: Without ``node`` itself.
        options: Value of ``NODE_OPTIONS``.

    >>> node_start(["-r", "dotenv/config", "--enable-source-maps", "dist/main", "x"])
    NodeStart(file='dist/main', preloads=('dotenv/config',), has_loader=False)
    >>> node_start(["--eval", "1"]) is None
    True
    """
    preloads: list[str] = []
    has_loader = False
    words = iter([*_split(options), *arguments])
    for word in words:
        if not word.startswith("-") or word == "-":
            if word in {"-", "inspect"}:
                return None
            return NodeStart(word, tuple(preloads), has_loader)
        name, has_value, value = word.partition("=")
        if name in _NO_FILE:
            return None
        if name == "--":
            file = next(words, None)
            return NodeStart(file, tuple(preloads), has_loader) if file else None
        if name in _WITH_VALUE and not has_value:
            value = next(words, None) or ""
        if name in _PRELOADS:
            preloads.append(value)
        has_loader = has_loader or name in _LOADERS or name.startswith("--experimental-spec")
    return None


def script_of(name: str, arguments: Sequence[str]) -> str:
    """Return the script that ``npm start`` and its like run; empty if they do something else.

    >>> script_of("npm", ["run", "--silent", "serve"]), script_of("yarn", ["serve"])
    ('serve', 'serve')
    >>> script_of("npm", ["ci"])
    ''
    """
    manager = posixpath.basename(name)
    for each in arguments:
        if each in {"--prefix", "-C", "--cwd", "-w", "--workspace", "--filter", "-F", "--dir"}:
            return ""  # a script of another directory
    words = [each for each in arguments if not each.startswith("-")]
    if not words:
        return ""
    if words[0] in {"run", "run-script", "rum", "urn"}:
        return words[1] if len(words) > 1 else ""
    if words[0] in {"start", "test", "stop", "restart"}:
        return words[0]
    is_npm = manager.startswith("npm")
    return "" if is_npm or words[0] in {"node", "exec", "dlx", "install", "workspace"} else words[0]


def script_commands(manifest: Manifest, script: str) -> Iterator[tuple[str, ...]]:
    """Yield the argument vectors of a script, as far as they are run for certain.

    >>> list(script_commands(Manifest(scripts={"start": "NODE_ENV=x node a.js && echo"}), "start"))
    [('node', 'a.js'), ('echo',)]
    """
    text = manifest.scripts.get(script)
    if text is None and script == "start":
        text = "node server.js"
    for each in (manifest.scripts.get(f"pre{script}"), text):
        yield from _commands(each or "")


def _commands(text: str) -> Iterator[tuple[str, ...]]:
    words: list[str] = []
    for word in [*_split(text), "&&"]:
        if word not in _OPERATORS:
            words.append(word)
            continue
        while words and (_is_assignment(words[0]) or words[0] in _WRAPPERS):
            if words[0].startswith(_DECIDING):
                return
            del words[0]
        if words and not any("$" in each or "`" in each for each in words[:1]):
            yield tuple(words)
        words = []
        if word != "&&":
            return


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def _split(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return []
