"""What is to be attested, by buildx's attributes; the flags that say it."""

from __future__ import annotations

import pytest

from jettison.attest.request import (
    AttestRequest,
    ProvenanceRequest,
    SbomRequest,
    attest_request,
    require_file_name,
)
from jettison.cli.attest_flags import OPTIONAL_VALUES, attest_of
from jettison.cli.optional_values import with_values
from jettison.errors import UsageError


def of(provenance: str = "", sbom: str = "", *attest: str) -> AttestRequest:
    return attest_of({"provenance": provenance, "sbom": sbom, "attest": attest})


def test_nothing_is_attested_unless_it_is_asked_for() -> None:
    assert not of()
    assert not of("false", "false")
    assert not of("", "", "type=provenance,disabled=true")


def test_attributes_of_provenance() -> None:
    assert of("true").provenance == of("mode=min").provenance == ProvenanceRequest()
    text = "mode=max,builder-id=https://ci/1,filename=p.json,reproducible=true,inline-only=true"
    wanted = ProvenanceRequest("max", "https://ci/1", "p.json", True, True, True)
    assert of("", "", f"type=provenance,{text},inline,version=v1").provenance == wanted


def test_the_last_one_of_a_type_counts_and_the_short_form_more() -> None:
    assert of("mode=max", "", "type=provenance,mode=min").provenance == ProvenanceRequest("max")
    assert of("false", "", "type=provenance").provenance is None


def test_attributes_of_bills_of_materials() -> None:
    assert of("", "true").sbom == of("", "", "type=sbom").sbom == SbomRequest()
    assert of("", "scan-stage=true").sbom == SbomRequest((), True)
    assert of("", "scan-stage=a+b,inline").sbom == SbomRequest(("a", "b"), False, True)
    assert of("", "scan-stage=false").sbom == SbomRequest()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("version=v0.2", ""), "SLSA v1"),
        (("mode=most", ""), "no mode `most`"),
        (("filename=../x", ""), "no name of a file"),
        (("reproducible=perhaps", ""), "neither true nor false"),
        (("colour=red", ""), "unknown attribute `colour`"),
        (("", "generator=docker/scout"), "no generator images"),
        (("", "colour=red"), "unknown attribute `colour`"),
        (("", "", "type=vex"), "unknown attestation type `vex`"),
        (("", "", "mode=min"), "has no type"),
        (("maximal", ""), "must be a key=value pair"),
    ],
)
def test_what_is_not_known_or_not_done_is_an_error(given: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        of(*given)


def test_the_short_forms_need_no_value() -> None:
    assert with_values(["--sbom", "--provenance", "mode=max", "."], OPTIONAL_VALUES) == [
        "--sbom=true",
        "--provenance",
        "mode=max",
        ".",
    ]


def test_files_have_names() -> None:
    require_file_name("a.json")
    assert attest_request({}) == AttestRequest()
