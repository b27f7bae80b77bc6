"""The texts that an image's history has; they are part of its digest."""

from __future__ import annotations

import pytest

from jettison.frontend.dockerfile import history
from jettison.oci.config import Healthcheck, History


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ADD https://user:pw@h/x /", "ADD https://xxxxx:xxxxx@h/x /"),
        ("RUN curl https://user:pw@h/x", "RUN curl https://xxxxx:xxxxx@h/x"),
        ("ENV A=https://user:pw@h/x", "ENV A=https://user:pw@h/x"),
        ("ARG A=https://user:pw@h/x", "ARG A=https://xxxxx:xxxxx@h/x"),
    ],
)
def test_credentials_are_masked_unless_the_config_has_them_anyway(text, shown):
    assert history.entry(text, empty_layer=True) == History(
        created_by=shown, comment="buildkit.dockerfile.v0", empty_layer=True
    )


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (1_000_001, "1.000001ms"),
        (999_999_999, "999.999999ms"),
        (1_000_000_000, "1s"),
        (1_050_000_000, "1.05s"),
        (60_000_000_000, "1m0s"),
        (3_600_000_000_000, "1h0m0s"),
        (90_061_001_000_000, "25h1m1.001s"),
    ],
)
def test_durations_are_as_go_prints_them(nanoseconds, text):
    assert history.duration_text(nanoseconds) == text


def test_a_healthcheck_is_the_struct_that_go_prints():
    check = Healthcheck(
        test=("CMD-SHELL", "curl -f x"), interval=90 * 10**9, timeout=5 * 10**8, retries=3
    )
    assert history.healthcheck_text(check) == (
        "HEALTHCHECK {Test:[CMD-SHELL curl -f x] Interval:1m30s Timeout:500ms StartPeriod:0s "
        "StartInterval:0s Retries:3}"
    )


def test_lists_are_quoted_or_not():
    assert history.list_text(["a b", 'c"d']) == '[a b c"d]'
    assert history.quoted_list_text(["a b", 'c"d', "e\n"]) == r'["a b" "c\"d" "e\n"]'


def test_pairs_without_a_value_are_names():
    pairs = [("A", "1"), ("B", None), ("C", "")]
    assert history.pairs_text("ARG", pairs) == "ARG A=1 B C="


@pytest.mark.parametrize(
    ("arguments", "text"),
    [([], "RUN make # buildkit"), (["A=1", "B=2"], "RUN |2 A=1 B=2 make # buildkit")],
)
def test_a_run_tells_the_arguments_in_scope(arguments, text):
    assert history.run_text(["make"], arguments) == text


def test_a_copy_tells_its_flags_in_one_order():
    text = history.copy_text("ADD", ["a", "b"], ["E"], "/c/", owner="1:2", mode="644", parents=True)
    assert text == "ADD --parents --chown=1:2 --chmod=644 a b <<E /c/ # buildkit"
