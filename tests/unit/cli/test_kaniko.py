"""kaniko's flags: all are known, each does what the page says, and none is dropped in silence."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import click
import pytest

from jettison.cli.executor import executor, with_credentials
from jettison.cli.kaniko.context import find
from jettison.cli.kaniko.page import page
from jettison.cli.kaniko.request import Job, job_of, notes
from jettison.cli.kaniko.table import FLAGS, wanted
from jettison.cli.main import run
from jettison.errors import ContextError, InvalidReferenceError, UsageError
from jettison.exporter.outputs import DockerOutput, ImageOutput, OciOutput, RegistryOutput
from jettison.settings import Settings
from registry_server import PASSWORD, USER, RegistryServer

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "reference" / "kaniko.md"
_NAMES = """
annotation azure-container-registry-config bucket build-arg cache cache-copy-layers cache-dir
cache-repo cache-run-layers cache-ttl cleanup compressed-caching compression compression-level
context context-sub-path credential-helpers custom-platform customPlatform destination
digest-file dockerfile force force-build-metadata git ignore-path ignore-var-run
image-download-retry image-fs-extract-retry image-name-tag-with-digest-file
image-name-with-digest-file insecure insecure-pull insecure-registry kaniko-dir label log-format
log-timestamp materialize no-push no-push-cache oci-layout-path pre-cleanup preserve-context
push-ignore-immutable-tag-errors push-retry registry-certificate registry-client-cert
registry-map registry-mirror reproducible secret single-snapshot skip-default-registry-fallback
skip-push-permission-check skip-tls-verify skip-tls-verify-pull skip-tls-verify-registry
skip-unused-stages snapshot-mode snapshotMode tar-path tarPath target use-new-run verbosity
whitelist-var-run
"""
KANIKO = set(_NAMES.split())
"""All flags of kaniko 1.24 and of the fork that goes on, with the hidden and the deprecated ones."""


def flags_of(*line: str) -> Mapping[str, object]:
    context = click.Context(executor)
    executor.parse_args(context, list(line))
    return {name: value for name, value in context.params.items() if name != "words"}


def job(
    *line: str, environ: Mapping[str, str] | None = None, settings: Settings | None = None
) -> Job:
    return job_of(flags_of(*line), environ or {}, settings or Settings())


def test_every_flag_of_kaniko_is_known_and_no_other():
    assert {flag.name for flag in FLAGS} == KANIKO
    taken = {
        max(each.opts, key=len)[2:] for each in executor.params if isinstance(each, click.Option)
    }
    assert taken - {"root", "debug"} == KANIKO  # those may stand anywhere on every line


def test_the_page_is_made_of_the_table():
    assert PAGE.read_text() == page(), "run scripts/kaniko_page.py"


@pytest.mark.parametrize("flag", [f for f in FLAGS if f.status == "accepted"], ids=lambda f: f.name)
def test_a_flag_that_changes_nothing_is_named_with_the_reason(flag):
    value = "false" if flag.default == "true" else "true" if flag.kind == "switch" else "x"
    assert notes(flags_of(f"--{flag.name}={value}")) == [
        f"WARN: --{flag.name} changes nothing: {flag.about}"
    ]
    if flag.default:
        assert notes(flags_of(f"--{flag.name}={flag.default}")) == []


@pytest.mark.parametrize("flag", [f for f in FLAGS if f.status == "refused"], ids=lambda f: f.name)
def test_a_flag_that_cannot_be_had_is_an_error_that_says_what_to_do(flag):
    with pytest.raises(UsageError, match=flag.name) as raised:
        notes(flags_of(f"--{flag.name}={'true' if flag.kind == 'switch' else 'a=b'}"))
    assert raised.value.hint == flag.instead != ""


def test_nothing_is_said_of_flags_that_work_or_are_not_given():
    assert notes(flags_of("--cache=true", "--no-push", "-d", "x")) == []
    assert not any(wanted(flag, flags_of().get(flag.parameter)) for flag in FLAGS)


def test_the_usual_flags_are_a_build_and_a_push(monkeypatch):
    monkeypatch.setenv("FROM_HERE", "1")
    made = job(
        "--context", "/src", "--dockerfile=ci/Dockerfile", "-d", "reg.example/a:1", "-d", "reg.example/a:2", "--target=t",
        "--build-arg", "A=1", "--build-arg=FROM_HERE", "--label=l=v", "--annotation=k=v", "--compression=zstd",
        "--compression-level=3", "--custom-platform=linux/arm64", "--secret=id=s,env=S", "--reproducible",
    )  # fmt: skip
    request = made.request
    assert (request.context, request.dockerfile, request.target) == ("/src/", "ci/Dockerfile", "t")
    assert request.tags == ("reg.example/a:1", "reg.example/a:2")
    assert request.build_args == {"A": "1", "FROM_HERE": "1", "SOURCE_DATE_EPOCH": "0"}
    assert (request.labels, request.platforms, request.no_cache) == (
        {"l": "v"},
        ("linux/arm64",),
        False,
    )
    image, registry = request.outputs
    assert isinstance(image, ImageOutput)
    assert isinstance(registry, RegistryOutput)
    assert (registry.compression, registry.compression_level, registry.insecure) == (
        "zstd",
        3,
        False,
    )
    assert [(each.key, each.value) for each in registry.annotations] == [("k", "v")]
    assert (made.progress, made.settings) == ("auto", Settings())


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        (("--no-push",), [ImageOutput]),
        (("--no-push", "--digest-file=f"), [ImageOutput, OciOutput]),
        (("--no-push", "--oci-layout-path=l", "--digest-file=f"), [ImageOutput, OciOutput]),
        (("-d", "a", "--tar-path=t"), [ImageOutput, DockerOutput]),
        (("-d", "a", "--tarPath=t"), [ImageOutput, DockerOutput]),
        (("-d", "a", "--oci-layout-path=l"), [ImageOutput, OciOutput, RegistryOutput]),
        (("-d", "a"), [ImageOutput, RegistryOutput]),
    ],
)
def test_an_image_goes_where_kaniko_has_it_go(line, kinds):
    assert [type(each) for each in job(*line).request.outputs] == kinds


def test_the_environment_may_say_not_to_push():
    assert [type(each) for each in job(environ={"KANIKO_NO_PUSH": "true"}).request.outputs] == [
        ImageOutput
    ]
    with pytest.raises(UsageError, match="neither true nor false"):
        job(environ={"KANIKO_NO_PUSH": "maybe"})


@pytest.mark.parametrize(
    ("line", "insecure", "mirrors"),
    [
        (("--insecure", "-d", "r:5/a"), ("r:5",), ()),
        (("--skip-tls-verify", "-d", "r:5/a"), ("r:5",), ()),
        (("--insecure-pull", "-d", "r:5/a", "--registry-mirror=m:1"), ("m:1", "r:5"), ("m:1",)),
        (("--insecure-registry=x", "--skip-tls-verify-registry=y", "-d", "a"), ("x", "y"), ()),
        (
            ("--registry-mirror=m", "--registry-map=index.docker.io=n;docker.io=o", "-d", "a"),
            (),
            ("m", "n", "o"),
        ),
        (("--registry-map=ghcr.io=n;docker.io=o", "-d", "a"), (), ("ghcr.io=n", "o")),
    ],
)
def test_registries_may_be_insecure_and_have_mirrors(line, insecure, mirrors):
    settings = job(
        *line, settings=Settings(insecure_registries=("mine",), registry_mirrors=("old",))
    ).settings
    assert set(settings.insecure_registries) == {"mine", *insecure}
    assert settings.registry_mirrors == (*mirrors, "old")


def test_mirrors_may_be_in_the_environment():
    environ = {"KANIKO_REGISTRY_MIRROR": "m", "KANIKO_REGISTRY_MAP": "docker.io=n"}
    assert job("-d", "a", environ=environ).settings.registry_mirrors == ("m", "n")


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ((), UsageError, "no destination"),
        (("-d", "UPPER"), InvalidReferenceError, "lowercase"),
        (("--no-push", "--image-name-with-digest-file=f"), UsageError, "needs a name"),
        (("-d", "a", "--compression=lz4"), UsageError, "unknown compression"),
        (("-d", "a", "--compression-level=x"), UsageError, "is not a number"),
        (("-d", "a", "--compression-level=99"), UsageError, "is not between"),
        (("-d", "a", "--verbosity=loud"), UsageError, "unknown verbosity"),
        (("-d", "a", "--log-format=xml"), UsageError, "unknown log format"),
        (("-d", "a", "--registry-map=m"), UsageError, "malformed"),
        (("-d", "a", "--context=s3://b/c.tgz"), UsageError, "buckets"),
        (("-d", "a", "--context=gs://b/c.tgz"), UsageError, "buckets"),
        (("-d", "a", "--context=https://x.blob.core.windows.net/c"), UsageError, "buckets"),
        (("-d", "a", "--context=tar:///no/such"), ContextError, "cannot read"),
        (
            ("-d", "a", "--context=tar:///no/such", "--context-sub-path=x"),
            UsageError,
            "not for a tar",
        ),
        (("-d", "a", "--context=git://h/r", "--git=main"), UsageError, "malformed"),
    ],
)
def test_what_is_wrong_is_an_error_before_anything_is_built(line, error, said):
    with pytest.raises(error, match=said):
        job(*line)


@pytest.mark.parametrize(
    ("context", "sub_path", "git", "found"),
    [
        ("", "", (), "/workspace/"),
        ("dir:///src", "", (), "/src/"),
        ("/src", "/app", (), "/src/app"),
        ("git://h/a/b", "", (), "https://h/a/b.git"),
        ("git://h/a/b.git#refs/heads/x", "", (), "https://h/a/b.git#refs/heads/x:"),
        ("git://h/a/b#refs/heads/x#c0ffee1", "sub/d", (), "https://h/a/b.git#c0ffee1:sub/d"),
        ("https://h/b.git", "", ("branch=main", "single-branch=true"), "https://h/b.git#main:"),
        ("https://h/b.tgz", "", (), "https://h/b.tgz"),
    ],
)
def test_contexts_are_found_as_kaniko_finds_them(context, sub_path, git, found):
    assert find(context, sub_path, git, "").context == found


@pytest.mark.parametrize(
    ("level", "form", "progress"),
    [("debug", "", "auto"), ("error", "", "quiet"), ("", "json", "rawjson"), ("", "text", "auto")],
)
def test_how_much_is_said(level, form, progress):
    assert job("-d", "a", f"--verbosity={level}", f"--log-format={form}").progress == progress


def test_credentials_are_where_kaniko_has_them(tmp_path):
    other = {"DOCKER_CONFIG": str(tmp_path)}
    assert with_credentials(other, "") == other
    assert with_credentials(other, "/k")["DOCKER_CONFIG"] == "/k/.docker"
    assert with_credentials({"KANIKO_DIR": "/d", **other}, "")["DOCKER_CONFIG"] == "/d/.docker"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    context = tmp_path / "context"
    (context / "sub").mkdir(parents=True)
    (context / "Dockerfile").write_text(
        "ARG A=none\nFROM scratch\nARG A\nLABEL a=$A\nCOPY Dockerfile /\n"
    )
    (context / "sub" / "Dockerfile").write_text("FROM scratch\nLABEL sub=yes\n")
    return context


def test_a_job_of_kaniko_s_users_pushes_with_credentials_of_a_file(
    tmp_path, context, monkeypatch, capfd
):
    """The line of GitLab's documentation, but for the place of `/kaniko`."""
    kaniko = tmp_path / "kaniko"
    (kaniko / ".docker").mkdir(parents=True)
    with RegistryServer(tmp_path / "registry", "basic") as registry:
        entry = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
        (kaniko / ".docker" / "config.json").write_text(
            json.dumps({"auths": {registry.host: entry}})
        )
        monkeypatch.setenv("KANIKO_DIR", str(kaniko))
        line = [
            "--root", str(tmp_path / "store"), "executor", "--context", str(context), "--dockerfile", f"{context}/Dockerfile",
            "--destination", f"{registry.host}/group/app:v1", "--destination", f"{registry.host}/group/app",
            f"--digest-file={tmp_path}/digest", f"--image-name-with-digest-file={tmp_path}/named",
            f"--image-name-tag-with-digest-file={tmp_path}/tagged", "--cache=true", f"--cache-repo={registry.host}/c",
        ]  # fmt: skip
        assert run(line) == 0, capfd.readouterr().err
        said = capfd.readouterr().err
        assert "WARN: --cache-repo changes nothing" in said
        digest = (tmp_path / "digest").read_text()
        name = f"{registry.host}/group/app"
        assert (tmp_path / "named").read_text() == 2 * f"{name}@{digest}\n"
        assert (tmp_path / "tagged").read_text() == f"{name}:v1@{digest}\n{name}:latest@{digest}\n"
        monkeypatch.setenv("DOCKER_CONFIG", str(kaniko / ".docker"))
        assert run(["--root", str(tmp_path / "other"), "pull", f"{name}@{digest}"]) == 0
        monkeypatch.delenv("KANIKO_DIR")
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        assert run(line) == 4
        assert "wants credentials to push" in capfd.readouterr().err


def test_a_digest_is_that_of_the_push_that_was_not_made(tmp_path, context, capfd):
    line = [
        "--root",
        str(tmp_path / "store"),
        "executor",
        f"--context={context}",
        f"--digest-file={tmp_path}/d",
    ]
    assert run([*line, "--no-push"]) == 0
    without = (tmp_path / "d").read_text()
    assert without.startswith("sha256:")
    with RegistryServer(tmp_path / "registry") as registry:
        assert run([*line, f"--destination={registry.host}/a"]) == 0, capfd.readouterr().err
    assert (tmp_path / "d").read_text() == without


def test_a_tar_is_a_context(tmp_path, context, monkeypatch, capfd):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(context, ".")
    (tmp_path / "c.tgz").write_bytes(packed.getvalue())
    line = [
        "--root",
        str(tmp_path / "store"),
        "executor",
        "-d",
        "app",
        f"--oci-layout-path={tmp_path}/l",
        "--no-push",
    ]
    assert run([*line, f"--context=tar://{tmp_path}/c.tgz", "--build-arg=A=yes"]) == 0, (
        capfd.readouterr().err
    )
    capfd.readouterr()
    assert (
        run(["--root", str(tmp_path / "store"), "inspect", "-f", "{{json .Config.Labels}}", "app"])
        == 0
    )
    assert json.loads(capfd.readouterr().out) == {"a": "yes"}
    assert (tmp_path / "l" / "index.json").exists()


def test_the_version_is_a_word(capfd):
    assert run(["executor", "version"]) == 0
    assert capfd.readouterr().out.startswith("jettison ")
    assert run(["executor", "build"]) == 125
