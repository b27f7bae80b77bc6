"""What a command line of ``java`` starts.

In:  an argument vector without ``java``.
Out: ``JavaStart``.

Source: java(1): options with values, ``-jar``, ``-cp``, ``-m``, ``-p``, argument files.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence

import msgspec

_WITH_VALUE_NAMES = (
    "--add-modules --enable-native-access --limit-modules --describe-module -d --upgrade- "
    "module-path --add-exports --add-opens --add-reads --patch-module --source"
)
_WITH_VALUE = frozenset(_WITH_VALUE_NAMES.split())
_NAMED = {
    **dict.fromkeys(("-cp", "-classpath", "--class-path"), "class path"),
    **dict.fromkeys(("-p", "--module-path"), "module path"),
}
_STARTS = frozenset({"-jar", "-m", "--module"})
_ENDS_NAMES = "-version --version -showversion -help --help -h -? -X --list-modules"
_ENDS = frozenset(_ENDS_NAMES.split())
_MAX_WORDS = 10_000


class JavaStart(msgspec.Struct, frozen=True):
    """What a Java program begins with.

    Args:
        jar: Of ``-jar``; empty without it.
        main: The main class, with dots; of a module ``module`` or ``module/class``.
        class_path: Of ``-cp``, its parts; None if there is none.
        module_path: Of ``-p``.
        is_module: Whether ``main`` is a module.
        previews: Whether previews are on.
    """

    jar: str = ""
    main: str = ""
    class_path: tuple[str, ...] | None = None
    module_path: tuple[str, ...] = ()
    is_module: bool = False
    previews: bool = False


def java_start(
    arguments: Sequence[str], options: str = "", read: Callable[[str], str] = lambda _path: ""
) -> JavaStart | None:
    """Return what ``java`` with arguments starts, None if that is no class.

    Args:
        arguments: Without ``java`` itself.
        options: Value of ``JDK_JAVA_OPTIONS`` and the like.
        read: Gives the text of an argument file by its path.

    >>> java_start(["-Xmx1g", "-cp", "a.jar:lib/*", "a.Main", "x"])
    ... # doctest: +NORMALIZE_WHITESPACE
    JavaStart(jar='', main='a.Main', class_path=('a.jar', 'lib/*'), module_path=('',),
    is_module=False, previews=False)
    """
    words = iter(_expanded([*_split(options), *arguments], read))
    said: dict[str, str] = {}
    previews = False
    for word in words:
        name, equals, value = word.partition("=")
        if name in _ENDS or "$" in word:
            return None
        if name in _WITH_VALUE or name in _NAMED or name in _STARTS:
            value = value if equals else next(words, "")
        if name in _NAMED:
            said[_NAMED[name]] = value
        elif name == "--enable-preview":
            previews = True
        elif name == "--source" or word.endswith(".java"):
            return None
        elif name in _STARTS or not word.startswith("-"):
            return _start(name, value if name in _STARTS else word, said, previews=previews)
    return None


def _start(option: str, value: str, said: Mapping[str, str], *, previews: bool) -> JavaStart:
    is_jar, is_module = option == "-jar", option in {"-m", "--module"}
    class_path = said.get("class path")
    return JavaStart(
        jar=value if is_jar else "",
        main="" if is_jar else value if is_module else value.replace("/", "."),
        class_path=None if class_path is None or is_jar else tuple(class_path.split(":")),
        module_path=tuple(said.get("module path", "").split(":")),
        is_module=is_module,
        previews=previews,
    )


def _expanded(words: Sequence[str], read: Callable[[str], str]) -> list[str]:
    found: list[str] = []
    for word in words[:_MAX_WORDS]:
        is_file = word.startswith("@") and not word.startswith("@@")
        found += _split(read(word[1:]))[:_MAX_WORDS] if is_file else [word]
    return found


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return []
