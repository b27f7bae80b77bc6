"""Imports in all the ways that do not fail."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import extras
import greeting
import ns.one
from ns import two

from . import views
from .views import index

try:
    import ujson as json
except ImportError:
    import json

if TYPE_CHECKING:
    from typing_only import Thing

if sys.platform == "win32":
    import winreg_helper
if sys.version_info < (3, 9):
    import backport


def late() -> Thing:
    import only_when_called

    return importlib.import_module("dynamic"), only_when_called, winreg_helper, backport


print(greeting.hello(), extras, ns.one, two, views, index, json)
