"""What belongs to the process and not to a session: all of it is listed here, with the reason.

Two sessions of one program must not see each other, and no test should have to replace a global.
A module may bind constants, functions, classes, and values and tables that nobody changes. What
changes, or depends on the process or the machine and is kept, is in ``REMAINS``.

Found are, by the syntax tree: ``global``; tables of a module that a function changes, also another
module's; instances whose class has a method that changes them, and of classes that are not ours
unless they are known not to change (so locks, counters and context variables are found);
attributes that are set on modules; tables of a class; attributes of a class that a function sets;
cached functions that look at more than their arguments, themselves or in functions that they name;
and what changes the interpreter's or the kernel's idea of this process.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "jettison"

REMAINS = {
    "__main__: gc.set_threshold": "the command line is the process",
    "cli.deferred: sys.modules": "others import `inspect` and `platform` by name; a stand-in is a module",
    "cli.main: os.environ": "`--config` is DOCKER_CONFIG for the call, which is the process",
    "cli.main: signal.signal": "the command line is the process",
    "concurrency: INTERRUPTS": "signals come to the process; this ends what waits outside Python",
    "container.foreground: signal.signal": "signals go to the container in the foreground",
    "fs.overlay_form: overlay_xattr_prefix": "a right of the process, needed for each directory",
    "linux.mount: os.chdir": "of the helper: options of a mount must be short",
    "linux.syscall: _FUNCTIONS": "of the C library",
    "linux.syscall: _libc": "the C library",
    "linux.syscall: _own": "the C library",
    "linux.syscall: _syscall": "of the C library",
    "linux.userns: os.environ": "tells the program that replaces this one",
    "sandbox.init.notify.sockets: _makers": "a process that init starts; init is executed alone",
    "sandbox.init.step: _step": "where a process of init is, for its error report",
    "sandbox.wire_codec: KINDS": "the classes of messages, filled while they are defined",
    "sandbox.wire_codec: _CODECS": "made of annotations when first used; the same for all",
    "python.worker: signal.signal": "the worker is a process of its own",
    "registry.sockets: SOCKETS": "what INTERRUPTS shuts",
    "store.database: _kept": "connections that the end of the process leaves open: fewer syncs",
}

OWN_PROCESS = ("sandbox.init", "linux.userns_enter")
"""Executed alone: their process is theirs to change."""

UNCHANGING = {
    "NewType", "Path", "TypeVar", "attrgetter", "bytes", "frozenset", "int", "len",
    "msgspec.msgpack.Decoder", "msgspec.msgpack.Encoder", "os.uname", "range", "re.compile",
    "slice", "struct.Struct", "tuple",
}  # fmt: skip
TABLES = {"bytearray", "dict", "dict.fromkeys", "list", "set", "str.maketrans"}
OF_TEXT = {"encode", "format", "get", "join", "replace", "split", "strip", "to_bytes"}
"""Methods that return a new value of what they are called on."""

MUTATORS = {
    "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem",
    "remove", "reverse", "setdefault", "sort", "update",
}  # fmt: skip
CHANGES_THE_PROCESS = {
    "gc.disable", "gc.enable", "gc.freeze", "gc.set_threshold", "os.chdir", "os.putenv", "os.umask",
    "os.unsetenv", "resource.setrlimit", "signal.signal", "socket.setdefaulttimeout",
    "sys.setrecursionlimit", "sys.setswitchinterval", "threading.stack_size",
}  # fmt: skip
TABLES_OF_THE_PROCESS = {"os.environ", "sys.modules", "sys.path"}
LOOKS_OUTSIDE = {
    "ctypes", "datetime", "fcntl", "open", "os", "pathlib", "platform", "random", "resource", "shutil",
    "socket", "sqlite3", "subprocess", "sys", "tempfile", "time", "uuid",
}  # fmt: skip
OWN_FIELDS = {"Enum", "IntEnum", "NamedTuple", "Protocol", "StrEnum", "Struct", "Structure"}
"""Bases whose class attributes are fields of each instance, or members."""


class Module:
    """One module, each of whose nodes is looked at once."""

    def __init__(self, text: str) -> None:
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))
        self.bound = dict(bound(self.tree.body))
        self.functions = {
            node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)
        }
        self.imported: dict[str, tuple[str, str]] = {}
        """Names to the module, without the package, and the name in it, if it is none itself."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for each in node.names:
                    self.imported[each.asname or each.name.partition(".")[0]] = (each.name, "")
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                for each in node.names:
                    module = node.module.removeprefix("jettison").lstrip(".")
                    self.imported[each.asname or each.name] = (module, each.name)

    def having(self, *kinds: type[ast.AST]) -> list[Any]:
        """Return the nodes of some kinds."""
        return [node for node in self.nodes if isinstance(node, kinds)]


class Sources:
    """The modules of a package, by their names below it."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.modules = {name: Module(text) for name, text in texts.items()}
        self.classes: dict[str, ast.ClassDef] = {}
        self.returned: dict[str, str] = {}
        for module in self.modules.values():
            self.classes.update((node.name, node) for node in module.having(ast.ClassDef))
            for name, function in module.functions.items():
                if function.returns is not None:
                    self.returned[name] = ast.unparse(function.returns)

    def state(self) -> set[str]:
        """Return all that belongs to the process, as ``module: name``."""
        found = set()
        for name, module in self.modules.items():
            found |= {f"{name}: {each}" for each in self._of(name, module)}
            found |= set(self._changed_tables(name, module))
        return found

    def _of(self, name: str, module: Module) -> Iterator[str]:
        yield from (each for each, value in module.bound.items() if not self._is_value(value))
        for node in module.having(ast.Global):
            yield from node.names
        for node in module.having(ast.ClassDef):
            yield from self._class_tables(node)
        for function in module.having(ast.FunctionDef):
            if any(map(is_cache, function.decorator_list)) and self._looks(name, function, set()):
                yield function.name
        if not name.startswith(OWN_PROCESS):
            for node in module.having(*CHANGES):
                yield from changed(node) & TABLES_OF_THE_PROCESS
                if isinstance(node, ast.Call) and dotted(node.func) in CHANGES_THE_PROCESS:
                    yield dotted(node.func)

    def _is_value(self, node: ast.expr) -> bool:
        """Tell whether what an expression makes cannot change but by a statement about it."""
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            last = called.rpartition(".")[2]
            if called in UNCHANGING | TABLES or (last in OF_TEXT and called != last):
                return True
            returned = self.returned.get(called, called)
            if returned in {"str", "bytes", "int", "bool"} or returned.startswith("Callable["):
                return True
            return returned in self.classes and not changes_itself(self.classes[returned])
        return all(self._is_value(each) for each in ast.iter_child_nodes(node) if _is_made(each))

    def _class_tables(self, node: ast.ClassDef) -> Iterator[str]:
        bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        inherited = [self.classes[each] for each in bases & self.classes.keys()]
        if not (bases & OWN_FIELDS or any(map(_is_struct, inherited))):
            yield from (f"{node.name}.{name}" for name, value in bound(node.body) if _table(value))

    def _looks(self, name: str, function: ast.FunctionDef, seen: set[int]) -> bool:
        """Tell whether a function, or one that it names, can see more than arguments."""
        if id(function) in seen:
            return False
        seen.add(id(function))
        module = self.modules[name]
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                place = ".".join(filter(None, module.imported.get(node.value.id, ())))
                called = node.attr
            elif isinstance(node, ast.Name):
                place, called = module.imported.get(node.id, (name, node.id))
                outside = place if node.id in module.imported else called
                if outside.partition(".")[0] in LOOKS_OUTSIDE:
                    return True
            else:
                continue
            found = self.modules[place].functions.get(called) if place in self.modules else None
            if found is not None and self._looks(place, found, seen):
                return True
        return False

    def _changed_tables(self, name: str, module: Module) -> Iterator[str]:
        """Yield what functions change that is not theirs: of their module, or an imported one."""
        for function, local in functions(module.tree):
            for each in set().union(*map(changed, _own_nodes(function))):
                first = each.partition(".")[0]
                if first in local:
                    continue
                if each in module.bound or first in self.classes:
                    yield f"{name}: {each}"
                elif each in module.imported:
                    where, called = module.imported[each]
                    if where in self.modules:
                        yield f"{where}: {called}"
        for node in module.having(ast.Assign, ast.AugAssign, ast.Delete):
            for each in changed(node):
                if module.imported.get(each, ("", "-"))[1] == "":
                    yield f"{name}: {each}"


def bound(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that the statements of a module or class bind, and to what."""
    for node in body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, (ast.Name, ast.Tuple)):
                    for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                        yield ast.unparse(each), node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield ast.unparse(node.target), node.value
        elif isinstance(node, (ast.If, ast.Try)):
            yield from bound((*node.body, *node.orelse))


CHANGES = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Call, ast.Delete)


def is_cache(decorator: ast.expr) -> bool:
    """Tell whether a decorator keeps results."""
    name = ast.unparse(decorator).partition("(")[0].rpartition(".")[2]
    return name in {"cache", "lru_cache"}


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c``, without subscripts; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript):
        return dotted(node.value)
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def changed(node: ast.AST) -> set[str]:
    """Return what a statement or call changes in place: a table, or attributes of a thing."""
    targets: list[ast.expr] = []
    if isinstance(node, (ast.Assign, ast.Delete)):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        targets = [node.target]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in MUTATORS:
            return {dotted(node.func.value)}
    elif isinstance(node, ast.Call) and dotted(node.func) in {"next", "setattr"}:
        return {dotted(node.args[0])}
    return {
        dotted(each.value) for each in targets if isinstance(each, (ast.Subscript, ast.Attribute))
    }


def changes_itself(node: ast.ClassDef) -> bool:
    """Tell whether a method of a class, but for its constructor, changes its instance."""
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name != "__init__":
            for each in ast.walk(method):
                if any(name.split(".")[0] == "self" for name in changed(each)):
                    return True
    return False


def functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, set[str]]]:
    """Yield each function, and what its names and those around it are bound to in functions."""

    def below(node: ast.AST, around: set[str]) -> Iterator[tuple[ast.FunctionDef, set[str]]]:
        for each in ast.iter_child_nodes(node):
            if isinstance(each, ast.FunctionDef):
                local = around | _locals(each)
                yield each, local
                yield from below(each, local)
            else:
                yield from below(each, around)

    yield from below(tree, set())


def _locals(function: ast.FunctionDef) -> set[str]:
    names = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
    outer: set[str] = set()
    for node in _own_nodes(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {each.asname or each.name for each in node.names}
        elif isinstance(node, ast.Global):
            outer |= set(node.names)
    return names - outer


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield what a function holds, without the bodies of functions in it."""
    left: list[ast.AST] = [*function.body]
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, ast.FunctionDef):
            left.extend(ast.iter_child_nodes(node))


def _is_made(node: ast.AST) -> bool:
    """Tell whether an expression inside another is evaluated with it."""
    return isinstance(node, ast.expr) and not isinstance(node, ast.Lambda)


def _table(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in TABLES
    return isinstance(node, (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp))


def _is_struct(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Struct") for base in node.bases)


def test_only_what_is_listed_belongs_to_the_process() -> None:
    texts = {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts): path.read_text()
        for path in sorted(SOURCE.rglob("*.py"))
    }
    found = Sources(texts).state()
    assert sorted(found - REMAINS.keys()) == []
    assert sorted(REMAINS.keys() - found) == []


def test_a_session_alone_asks_how_the_process_keeps_owners() -> None:
    asking = re.compile(r"\b(process_ownership|KernelOwnership|RecordedOwnership)\(")
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if asking.search(path.read_text())
    }
    assert found == {"api/session.py", "fs/ownership.py"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("_seen = {}\ndef f(key):\n    _seen[key] = 1", {"_seen"}),
        ("_seen = set()\ndef f(key):\n    _seen.add(key)", {"_seen"}),
        ("_seen = []\ndef f(key):\n    def g():\n        del _seen[0]", {"_seen"}),
        ("_seen = {}\ndef f(key):\n    _seen[key].append(1)", {"_seen"}),
        ("NAMES = {'a': 1}\ndef f(key):\n    return NAMES[key]", set()),
        ("NAMES = {}\ndef f():\n    NAMES = {}\n    NAMES['a'] = 1", set()),
        ("_count = 0\ndef f():\n    global _count\n    _count += 1", {"_count"}),
        ("_numbers = itertools.count(1)", {"_numbers"}),
        ("_lock = threading.Lock()", {"_lock"}),
        ("_now = ContextVar('now')", {"_now"}),
        ("PAIR = (1, [threading.Lock()])", {"PAIR"}),
        ("if x:\n    POOL = Pool()", {"POOL"}),
        ("class C:\n    def put(self, x):\n        self.x = x\nONE = C()", {"ONE"}),
        ("class C:\n    def __init__(self):\n        self.x = 1\nONE = C()", set()),
        ("class C:\n    seen = []", {"C.seen"}),
        ("class C(msgspec.Struct):\n    seen: list[int] = []", set()),
        ("class C:\n    n = 0\n    def f(self):\n        C.n = 1", {"C"}),
        ("import os\n@functools.cache\ndef f():\n    return os.getuid()", {"f"}),
        ("from jettison.other import looks\n@cache\ndef f(x):\n    return looks(x)", {"f"}),
        ("from jettison import other\n@cache\ndef f(x):\n    return other.looks(x)", {"f"}),
        ("import os.path\n@cache\ndef f(x):\n    return os.path.exists(x)", {"f"}),
        ("@functools.lru_cache(maxsize=8)\ndef f(x):\n    return x + 1", set()),
        ("@cache\ndef f(x):\n    with open(x) as file:\n        return file.read()", {"f"}),
        ("def f():\n    os.umask(0)", {"os.umask"}),
        ("def f():\n    os.environ['A'] = 'b'", {"os.environ"}),
        ("import socket\ndef f():\n    socket.TIMEOUT = 1", {"socket"}),
        ("from jettison.tables import NAMES\ndef f():\n    NAMES.clear()", {"NAMES"}),
    ],
)
def test_what_belongs_to_the_process_is_found(text: str, found: set[str]) -> None:
    sources = Sources(
        {"module": text, "other": "import time\ndef looks(x):\n    time.sleep(x)", "tables": ""}
    )
    assert {name.partition(": ")[2] for name in sources.state()} == found
