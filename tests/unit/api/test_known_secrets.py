"""What a build knows to be secret: all that it was given, by a name that people know."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from jettison.analysis.secrets.known import KnownSecrets
from jettison.api.known_secrets import known_secrets
from jettison.api.request import BuildRequest, SecretRequest
from jettison.api.session import Session
from jettison.plan.graph import Plan
from jettison.plan.op import GitOp, HttpOp
from jettison.plan.vertex import Vertex
from jettison.registry.credentials import Credentials
from jettison.settings import Settings


def names(known: KnownSecrets) -> set[str]:
    return {known.name(key) for key in known.values}


class _Plan:
    vertices = (
        Vertex("sha256:1", HttpOp("https://me:P4ss-of-http@h/x"), None, (), "ADD"),
        Vertex("sha256:2", GitOp("https://t0ken-of-git-Zq9@h/x.git"), None, (), "ADD"),
    )


class _Nothing:
    vertices = ()


PLAN: Plan = _Plan()  # type: ignore[assignment]
NO_PLAN: Plan = _Nothing()  # type: ignore[assignment]


@pytest.fixture
def session(tmp_path: Path):
    environ = {"https_proxy": "http://me:P4ss-of-proxy@p:1", "FROM_ENV": "v4lue-of-variable"}
    with Session.open(Settings(root=str(tmp_path / "store")), environ) as opened:
        yield opened


def test_all_that_was_given_is_known(session: Session, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"v4lue-of-file\n")
    (tmp_path / "key").write_bytes(b"k3y-of-ssh-4711")
    (tmp_path / "other").write_bytes(b"0ther-k3y-of-ssh")
    session.registry().used["registry.example"] = Credentials("me", "P4ss-of-registry")
    request = BuildRequest(
        "https://me:P4ss-of-context@h/x.git",
        secrets=(
            SecretRequest("file", source=str(tmp_path / "s")),
            SecretRequest("env", env="FROM_ENV"),
            SecretRequest("unset", env="NOT_SET"),
        ),
        ssh=(f"work={tmp_path / 'key'},{tmp_path / 'other'}", "default"),
        build_args={"API_TOKEN": "v4lue-of-arg", "VERSION": "1.2.3-not-secret", "KEY": "changeme"},
    )
    known = known_secrets(session, request, PLAN)
    assert names(known) == {
        "secret `file`",
        "secret `env`",
        "SSH key `work`",
        "SSH key `work` (2)",
        "password of `https_proxy`",
        "password of a URL",
        "password of a URL (3)",
        "password of a URL (2)",
        "build argument `API_TOKEN`",
        "password of `registry.example`",
    }
    assert b"v4lue-of-file" in known.values.values()
    assert "v4lue" not in repr(known)


def test_the_password_of_a_registry_that_will_get_the_image_is_known(tmp_path: Path) -> None:
    auth = base64.b64encode(b"me:P4ss-of-registry").decode()
    config = {"auths": {"registry.example": {"auth": auth}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    with Session.open(Settings(root=str(tmp_path / "store")), environ) as session:
        request = BuildRequest(".", tags=("registry.example/a", "other.example/a"), push=True)
        assert names(known_secrets(session, request, NO_PLAN)) == {"password of `registry.example`"}
        request = BuildRequest(".", tags=("registry.example/a",))
    with Session.open(Settings(root=str(tmp_path / "store")), environ) as session:
        assert not known_secrets(session, request, NO_PLAN)


def test_a_build_without_secrets_knows_none(tmp_path: Path) -> None:
    with Session.open(Settings(root=str(tmp_path / "store")), {}) as session:
        assert not known_secrets(session, BuildRequest(".", build_args={"A": "b"}), NO_PLAN)
        key = session.store.key()
        assert len(key) == 32
    with Session.open(Settings(root=str(tmp_path / "store")), {}) as session:
        assert session.store.key() == key
