"""Settings: where a wrong one stands, and how it is written."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jettison.errors import UsageError
from jettison.settings import _FORMS, Settings, load_settings, parse_size


def loaded(tmp_path: Path, text: str, **variables: str) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load_settings({"JETTISON_CONFIG": str(path), **variables})


def test_each_setting_has_a_form() -> None:
    assert list(_FORMS) == [field.name for field in msgspec.structs.fields(Settings)]


@pytest.mark.parametrize("text", ['"5g"', '"5 GiB"', '"5gb"', "5368709120", '"5368709120"'])
def test_a_size_is_written_with_a_unit_or_as_a_number(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, f"keep_bytes = {text}\n").keep_bytes == 5 << 30


def test_a_variable_has_the_same_forms_and_wins(tmp_path: Path) -> None:
    settings = loaded(tmp_path, 'keep_bytes = "5g"\njobs = 2\n', JETTISON_KEEP_BYTES="64m")
    assert (settings.keep_bytes, settings.jobs) == (64 << 20, 2)
    settings = loaded(tmp_path, "", JETTISON_JOBS="3", JETTISON_CDI_DIRS="/a,/b /c")
    assert (settings.jobs, settings.cdi_dirs) == (3, ("/a", "/b", "/c"))


@pytest.mark.parametrize(
    ("text", "line", "said", "hint"),
    [
        ('\n# size\nkeep_bytes = "lots"\n', 3, "`keep_bytes` `lots` is not a size", "`5g`"),
        ("jobs = 1\nkeep_bytes = true\n", 2, "`True` is no value of the setting", '"5g"'),
        ('root = "/x"\njobs = "many"\n', 2, "`many` is no value of the setting `jobs`", "jobs = 4"),
        ('cdi_dirs = "/etc/cdi"\n', 1, "is no value of the setting `cdi_dirs`", '["/etc/cdi"]'),
        ("\n\n[keep_byte]\nx = 1\n", 3, "there is no setting `keep_byte`", "keep_bytes"),
        ("nonsense = 1\n", 1, "there is no setting `nonsense`", "use one of root"),
    ],
)
def test_an_error_names_file_and_line_and_the_form(
    tmp_path: Path, text: str, line: int, said: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, text)
    assert caught.value.message.startswith(f"`{tmp_path}/config.toml`, line {line}: ")
    assert said in caught.value.message
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("JETTISON_KEEP_BYTES", "lots", "`JETTISON_KEEP_BYTES` `lots` is not a size"),
        ("JETTISON_JOBS", "many", "`JETTISON_JOBS`: `many` is no value of the setting `jobs`"),
        ("JETTISON_KEEP_BYTES", "9" * 30, "is more than there can be"),
    ],
)
def test_an_error_names_the_variable(tmp_path: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        loaded(tmp_path, "", **{name: value})


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), ("0", 0), ("7", 7), ("7b", 7), ("1.5k", 1536), ("2TiB", 2 << 40), ("5 G", 5 << 30)],
)
def test_sizes_are_read_in_one_way(text: str, size: int) -> None:
    assert parse_size("--memory", text) == size
