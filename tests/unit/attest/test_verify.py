"""What signed documents prove; hostile ones prove nothing, and say why."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from jettison.attest.envelope import encode_envelope, open_envelope, signed_bytes, unbase64
from jettison.attest.keys import private_key
from jettison.attest.payload import signature_payload, signed_digest
from jettison.attest.verify import (
    SIGNING_TYPE,
    Proof,
    collect,
    envelope_of_bundle,
    prove_attestation,
    prove_signature,
)
from jettison.errors import ContentError, InvalidManifestError, VerificationError
from jettison.image.attestation import Attestation, image_subjects, statement
from jettison.oci.digest import sha256_digest
from unit.attest.signing_rig import pair, private_pem

KEY = private_key(private_pem(pair()), b"", "k")
OTHER = private_key(private_pem(pair("b")), b"", "b")
DIGEST, ELSE = sha256_digest(b"image"), sha256_digest(b"another")
SAID = Attestation("https://slsa.dev/provenance/v1", b'{"a":1}', "provenance.json")
VERIFY = KEY.public().verify


def of(digest: str = DIGEST, *, key: Any = KEY) -> bytes:
    subjects = image_subjects(digest, [], None)  # type: ignore[arg-type]
    return encode_envelope(statement(SAID, subjects), key.sign)


def changed(change: Callable[[dict[str, Any]], object], *, sign_again: bool = False) -> bytes:
    document = json.loads(of())
    change(document)
    if sign_again:
        signed = signed_bytes(document["payloadType"], base64.b64decode(document["payload"]))
        document["signatures"] = [{"sig": base64.b64encode(KEY.sign(signed)).decode()}]
    return json.dumps(document).encode()


def payload(**members: Any) -> Callable[[dict[str, Any]], object]:
    def change(document: dict[str, Any]) -> None:
        content = json.loads(base64.b64decode(document["payload"])) | members
        document["payload"] = base64.b64encode(json.dumps(content).encode()).decode()

    return change


def test_an_attestation_proves_what_it_says_of_its_subject() -> None:
    assert prove_attestation(of(), DIGEST, VERIFY) == Proof(DIGEST, SAID.predicate_type, b'{"a":1}')


def test_statements_of_before_and_bundles_count_too() -> None:
    older = changed(payload(_type="https://in-toto.io/Statement/v0.1"), sign_again=True)
    assert prove_attestation(older, DIGEST, VERIFY).predicate == b'{"a": 1}'
    signing = changed(payload(predicateType=SIGNING_TYPE), sign_again=True)
    bundle = b'{"mediaType": "x", "dsseEnvelope": ' + signing + b"}"
    proof = prove_attestation(envelope_of_bundle(bundle), DIGEST, VERIFY)
    assert proof.predicate_type == ""


@pytest.mark.parametrize(
    ("envelope", "error", "message"),
    [
        (of(key=OTHER), VerificationError, "not signed by this key"),
        (of(ELSE), VerificationError, f"is `{ELSE}`, not `{DIGEST}`"),
        (changed(payload(subject=[])), VerificationError, "not signed by this key"),
        (changed(payload(subject=[]), sign_again=True), VerificationError, "nothing"),
        (changed(payload(_type="x"), sign_again=True), InvalidManifestError, "no statement"),
        (changed(payload(subject=1), sign_again=True), InvalidManifestError, "no statement"),
        (
            changed(lambda it: it.update(payloadType="text/plain"), sign_again=True),
            InvalidManifestError,
            "holds `text/plain`",
        ),
        (changed(lambda it: it.update(payloadType="text/plain")), VerificationError, "not signed"),
        (changed(lambda it: it.update(payload="?")), InvalidManifestError, "no signed envelope"),
        (changed(lambda it: it.update(signatures=[])), VerificationError, "not signed"),
        (
            changed(lambda it: it.update(signatures=it["signatures"] * 17)),
            InvalidManifestError,
            "17 signatures",
        ),
        (b"", InvalidManifestError, "no signed envelope"),
        (b"\xff", InvalidManifestError, "no signed envelope"),
    ],
    ids=[
        *("other key", "other image", "changed", "no subject", "other type", "odd subject"),
        *("other payload signed", "other payload", "no base64", "unsigned", "many signatures"),
        *("empty", "no text"),
    ],
)
def test_hostile_attestations_prove_nothing(
    envelope: bytes, error: type[ContentError], message: str
) -> None:
    with pytest.raises(error, match=message):
        prove_attestation(envelope, DIGEST, VERIFY)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidManifestError, match="no signed envelope"):
        prove_attestation(b"[" * 100_000, DIGEST, VERIFY)
    monkeypatch.setattr("jettison.attest.envelope.MAX_ENVELOPE_BYTES", 99)
    with pytest.raises(InvalidManifestError, match="100 bytes is larger than 99"):
        prove_attestation(bytes(100), DIGEST, VERIFY)


def signature(data: bytes, key: Any = KEY) -> str:
    return base64.b64encode(key.sign(data)).decode()


def test_a_signature_proves_the_image_that_it_names() -> None:
    data = signature_payload("registry.example.com/app", DIGEST)
    assert json.loads(data) == {
        "critical": {
            "identity": {"docker-reference": "registry.example.com/app"},
            "image": {"docker-manifest-digest": DIGEST},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    assert prove_signature(data, signature(data), DIGEST, VERIFY) == Proof(DIGEST)
    with pytest.raises(VerificationError, match="not of this key"):
        prove_signature(data, signature(data, OTHER), DIGEST, VERIFY)
    with pytest.raises(VerificationError, match=f"is `{DIGEST}`, not `{ELSE}`"):
        prove_signature(data, signature(data), ELSE, VERIFY)
    with pytest.raises(InvalidManifestError, match="not base64"):
        prove_signature(data, "?", DIGEST, VERIFY)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "says of no image"),
        (b"\xff", "says of no image"),
        (signature_payload("a", DIGEST).replace(b"cosign container", b"other"), "no image"),
        (signature_payload("a", DIGEST).replace(b"sha256:", b""), "digest"),
    ],
    ids=["no members", "no text", "other type", "no digest"],
)
def test_signed_documents_that_are_none(data: bytes, message: str) -> None:
    with pytest.raises(ContentError, match=message):
        signed_digest(data)


def test_what_proves_nothing_does_not_stop_what_does() -> None:
    def fail() -> Proof:
        raise VerificationError("no")

    proofs, reasons = collect([fail, lambda: Proof(DIGEST), fail])
    assert (proofs, reasons) == ([Proof(DIGEST)], ["no"])


def test_envelopes() -> None:
    assert open_envelope(encode_envelope(b"x", KEY.sign), VERIFY) == b"x"
    assert open_envelope(encode_envelope(b"x", OTHER.sign), VERIFY) is None
    assert unbase64("-_8=") == unbase64("+/8=")
    with pytest.raises(InvalidManifestError, match="no signed envelope"):
        envelope_of_bundle(b"{}") and open_envelope(b"{}", VERIFY)
