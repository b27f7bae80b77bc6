"""Bundles with certificates: what they prove; hostile ones prove nothing, and say why."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jettison.attest.keyless.bundle import with_zeros
from jettison.attest.keyless.identity import ExpectedSigner
from jettison.attest.keyless.trust import trusted_root
from jettison.attest.keyless.verify import IdentityTrust
from jettison.attest.verify import SIGNING_TYPE, Proof
from jettison.errors import ContentError, UsageError, VerificationError
from jettison.image.attestation import Attestation, image_subjects, statement
from jettison.oci.digest import sha256_digest
from sigstore_rig import ACTIONS as GITHUB
from sigstore_rig import ISSUER, MARIA, WORKFLOW, Authority, Log, Sigstore

DIGEST, ELSE = sha256_digest(b"image"), sha256_digest(b"another")
SAID = Attestation("https://slsa.dev/provenance/v1", b'{"a":1}', "")
STATEMENT = statement(SAID, image_subjects(DIGEST, [], None))

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def sigstore(tmp_path_factory: pytest.TempPathFactory) -> Sigstore:
    return Sigstore(tmp_path_factory.mktemp("sigstore"))


def trust(sigstore: Sigstore, **expected: str) -> IdentityTrust:
    who = ExpectedSigner(**(expected or {"identity": MARIA, "issuer": ISSUER}))
    return IdentityTrust(trusted_root(str(sigstore.trusted_root)), who)


def encoded(bundle: object) -> bytes:
    return json.dumps(bundle).encode()


def test_a_bundle_proves_what_it_says_and_who_says_so(sigstore: Sigstore) -> None:
    proof = trust(sigstore).bundle(encoded(sigstore.bundle(STATEMENT)), DIGEST)
    assert proof == Proof(DIGEST, SAID.predicate_type, SAID.predicate, MARIA, ISSUER)
    signing = statement(Attestation(SIGNING_TYPE, b"{}", ""), image_subjects(DIGEST, [], None))
    bundle = encoded(sigstore.bundle(signing, name=WORKFLOW, issuer=GITHUB))
    proof = trust(sigstore, identity=WORKFLOW, issuer=GITHUB).bundle(bundle, DIGEST)
    assert (proof.predicate_type, proof.signer) == ("", WORKFLOW)


def test_the_first_entry_of_a_log_which_go_writes_without_its_index(tmp_path: Path) -> None:
    first = Sigstore(tmp_path / "sigstore")
    bundle = first.bundle(STATEMENT)
    assert "logIndex" not in entry(bundle)
    assert entry(json.loads(with_zeros(encoded(bundle))))["inclusionProof"]["hashes"] == []
    assert trust(first).bundle(encoded(bundle), DIGEST).signer == MARIA


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"identity": "eve@example.com", "issuer": ISSUER}, "is signed by `maria@example.com`, not by `eve@example.com`"),
        ({"identity": MARIA, "issuer": GITHUB}, f"an identity of `{ISSUER}`, not of `{GITHUB}`"),
        ({"identity": MARIA[:-1], "issuer": ISSUER}, "not by"),
        ({"identity_regexp": "^a@", "issuer": ISSUER}, "not by `^a@`"),
        ({"identity_regexp": "example", "issuer_regexp": "^http://"}, "not of `^http://`"),
    ],
    ids=["identity", "issuer", "prefix", "pattern", "pattern of issuers"],
)  # fmt: skip
def test_of_somebody_else(sigstore: Sigstore, expected: dict[str, str], message: str) -> None:
    with pytest.raises(VerificationError) as caught:
        trust(sigstore, **expected).bundle(encoded(sigstore.bundle(STATEMENT)), DIGEST)
    assert message in caught.value.message


def test_patterns_match_anywhere_as_cosign_has_it(sigstore: Sigstore) -> None:
    expected = {"identity_regexp": "^maria@", "issuer_regexp": r"accounts\.example"}
    bundle = encoded(sigstore.bundle(STATEMENT))
    assert trust(sigstore, **expected).bundle(bundle, DIGEST).signer == MARIA


def test_of_another_image(sigstore: Sigstore) -> None:
    with pytest.raises(VerificationError, match=f"what `{MARIA}` has signed is .*, not `{ELSE}`"):
        trust(sigstore).bundle(encoded(sigstore.bundle(STATEMENT)), ELSE)


@pytest.mark.parametrize(
    ("different", "message"),
    [
        ({"certified": datetime.now(UTC) - timedelta(hours=2)}, "not valid at validation time"),
        ({"certified": datetime.now(UTC) + timedelta(hours=2)}, "not valid at validation time"),
        ({"authority": Authority("fulcio")}, "does not hold"),
        ({"authority": Authority("another")}, "does not hold"),
        ({"logged": False}, "signed certificate timestamp"),
        ({"kind": "text/plain"}, "a bundle holds `text/plain`"),
        ({"statement": b"{}"}, "is no statement"),
        ({"statement": STATEMENT.replace(b"in-toto.io", b"example.com")}, "no statement"),
    ],
    ids=["expired", "not yet", "same name", "foreign", "unlogged", "type", "empty", "other"],
)
def test_what_is_made_wrongly(sigstore: Sigstore, different: dict[str, Any], message: str) -> None:
    bundle = sigstore.bundle(**{"statement": STATEMENT, **different})
    with pytest.raises(ContentError) as caught:
        trust(sigstore).bundle(encoded(bundle), DIGEST)
    assert message in caught.value.message


def entry(bundle: dict[str, Any]) -> dict[str, Any]:
    (found,) = bundle["verificationMaterial"]["tlogEntries"]
    return found  # type: ignore[no-any-return]


def other_body(bundle: dict[str, Any]) -> None:
    body = json.loads(base64.b64decode(entry(bundle)["canonicalizedBody"]))
    body["spec"]["payloadHash"]["value"] = "00" * 32
    entry(bundle)["canonicalizedBody"] = base64.b64encode(json.dumps(body).encode()).decode()


def other_payload(bundle: dict[str, Any]) -> None:
    said = STATEMENT.replace(b'{"a":1}', b'{"a":2}')
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(said).decode()


def other_log(bundle: dict[str, Any]) -> None:
    body = base64.b64decode(entry(bundle)["canonicalizedBody"])
    bundle["verificationMaterial"]["tlogEntries"] = [Log().add(body, at=1_700_000_000)]


def no_certificate(bundle: dict[str, Any]) -> None:
    del bundle["verificationMaterial"]["certificate"]
    bundle["verificationMaterial"]["publicKey"] = {"hint": "a"}


@pytest.mark.parametrize(
    "change",
    [
        other_body,
        other_payload,
        other_log,
        no_certificate,
        lambda bundle: entry(bundle).update(integratedTime=str(int(entry(bundle)["integratedTime"]) - 1)),
        lambda bundle: entry(bundle).pop("inclusionPromise"),
        lambda bundle: entry(bundle).pop("inclusionProof"),
        lambda bundle: entry(bundle)["inclusionProof"].update(rootHash="AAAA"),
        lambda bundle: entry(bundle)["inclusionProof"].update(treeSize="1000"),
        lambda bundle: entry(bundle)["inclusionProof"]["checkpoint"].update(envelope="a\n1\n\n"),
        lambda bundle: bundle["verificationMaterial"]["tlogEntries"].append(entry(bundle)),
        lambda bundle: bundle["verificationMaterial"].update(tlogEntries=[]),
        lambda bundle: bundle["dsseEnvelope"].update(signatures=[]),
        lambda bundle: bundle["dsseEnvelope"]["signatures"].append({"sig": "AAAA"}),
        lambda bundle: bundle.pop("dsseEnvelope"),
        lambda bundle: bundle.update(mediaType="application/json"),
        lambda bundle: bundle["verificationMaterial"]["certificate"].update(rawBytes="AAAA"),
    ],
)  # fmt: skip
def test_what_is_tampered_with(sigstore: Sigstore, change: Change) -> None:
    bundle = sigstore.bundle(STATEMENT)
    for _ in range(3):
        sigstore.log.add(b'{"kind": "dsse", "apiVersion": "0.0.1"}', at=1)
    change(bundle)
    with pytest.raises(VerificationError) as caught:
        trust(sigstore).bundle(encoded(bundle), DIGEST)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"mediaType": "' + b"x" * 1_000_000 + b'"}',
        b"9" * 10_000,
    ],
    ids=["empty", "open", "null", "list", "binary", "deep", "deeper", "long", "number"],
)
def test_what_is_no_bundle(sigstore: Sigstore, data: bytes) -> None:
    with pytest.raises(VerificationError, match="does not hold") as caught:
        trust(sigstore).bundle(data, DIGEST)
    assert len(caught.value.message) < 400


def test_a_bundle_that_ends_early(sigstore: Sigstore) -> None:
    whole = encoded(sigstore.bundle(STATEMENT))
    for end in range(1, len(whole), 97):
        with pytest.raises(VerificationError):
            trust(sigstore).bundle(whole[:-end], DIGEST)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def test_whatever_is_put_in_any_place_proves_nothing_else(sigstore: Sigstore) -> None:
    right = sigstore.bundle(STATEMENT)
    trusted = trust(sigstore)
    expected = trusted.bundle(encoded(right), DIGEST)
    said = []
    proved = set()
    for path in places(right):
        for value in (None, "", "AAAA", "é", -1, 1 << 70, 1.5, [], {}, [{}], True):
            changed: Any = copy.deepcopy({"": right})
            *way, last = ("", *path)
            place = changed
            for key in way:
                place = place[key]
            place[last] = value
            try:
                found = trusted.bundle(encoded(changed[""]), DIGEST)
            except ContentError as error:
                said.append(error.message)
            else:
                assert found == expected
                proved.add(".".join(map(str, path)))
    assert proved == {"verificationMaterial.timestampVerificationData"}  # there are none
    assert not any("\n" in message or len(message) > 400 for message in said)


def test_a_trusted_root_that_is_none(tmp_path: Path, sigstore: Sigstore) -> None:
    whole = json.loads(sigstore.trusted_root.read_bytes())
    file = tmp_path / "root.json"
    for content in (
        b"",
        b"{}",
        b"\xff",
        encoded({**whole, "mediaType": "x"}),
        encoded({**whole, "ctlogs": []}),
        encoded({**whole, "tlogs": []}),
        encoded({**whole, "certificateAuthorities": []}),
        encoded({**whole, "certificateAuthorities": [{"certChain": {"certificates": [{"rawBytes": "AAAA"}]}}]}),
    ):  # fmt: skip
        file.write_bytes(content)
        with pytest.raises(UsageError, match="is no trusted root of sigstore's"):
            trusted_root(str(file))


def test_signatures_under_tags_are_refused_with_the_reason(sigstore: Sigstore) -> None:
    with pytest.raises(VerificationError, match="without proof of the log"):
        trust(sigstore).signature(b"{}", "AAAA", DIGEST)
    with pytest.raises(VerificationError, match="without proof of the log"):
        trust(sigstore).attestation(b"{}", DIGEST)
