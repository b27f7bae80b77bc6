"""Puts off modules that other libraries import for next to nothing.

click imports ``inspect`` to clean up help texts: a cached build takes 213 ms with ``ast``, ``dis``
and ``tokenize``, and 203 without (medians of 50 pairs; ratio 0.93, with 95 % certainty 0.89 to
0.95). ``uuid``, which click and msgspec import, asks ``platform`` for the system's name: 3 ms for
its regular expressions (50 pairs; ratio 0.97, with 95 % certainty 0.94 to 1.01). msgspec asks
``typing_extensions``, where another package brought it, for three names that ``typing`` has: 18 of
the 168 ms that ``jettison images`` takes (200 pairs).

In:  nothing.
Out: stand-ins in ``sys.modules``, which load the modules when more of them is used.
"""

from __future__ import annotations

import importlib
import os
import sys
import typing
from types import ModuleType


def defer() -> None:
    """Have the modules loaded when they are used, unless they are there."""
    stand_ins = (_Inspect("inspect"), _Platform("platform"), _Typing("typing_extensions"))
    for each in stand_ins:
        sys.modules.setdefault(each.__name__, each)


class _Deferred(ModuleType):
    """Stands for the module of its name."""

    def __getattr__(self, name: str) -> object:
        if name == "__path__":  # `from … import` looks for it; none of them is a package
            raise AttributeError(name)
        return getattr(_load(self.__name__), name)


class _Inspect(_Deferred):
    def cleandoc(self, text: str) -> str:
        """Do what ``inspect.cleandoc`` does; a text of one line needs nothing else of it."""
        if "\n" in text:
            return _load("inspect").cleandoc(text)  # type: ignore[no-any-return]
        return text.expandtabs().lstrip()


class _Platform(_Deferred):
    def system(self) -> str:
        """Do what ``platform.system`` does on Linux."""
        return os.uname().sysname


class _Typing(_Deferred):
    get_type_hints = staticmethod(typing.get_type_hints)
    NotRequired = typing.NotRequired
    Required = typing.Required


def _load(name: str) -> ModuleType:
    if isinstance(sys.modules.get(name), _Deferred):
        del sys.modules[name]
    return importlib.import_module(name)
