"""Every module of rules is registered: one that is not would never run, and nobody would see."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.lint import rules
from jettison.lint.registry import OWN_RULES, RULES

MODULES = sorted(path.stem for path in Path(rules.__path__[0]).glob("[a-z]*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_of_a_rule_is_registered(module: str) -> None:
    registered = {type(rule).__module__.rpartition(".")[2] for rule in (*RULES, *OWN_RULES)}
    assert module in registered, "add its rule to src/jettison/lint/registry.py"


def test_no_rule_is_registered_twice() -> None:
    names = [rule.name for rule in (*RULES, *OWN_RULES)]
    assert len(names) == len(set(names)) == len(MODULES)
