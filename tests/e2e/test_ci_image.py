"""The CI image: what is in it, and that a job of kaniko's users runs in it with another image name.

A job's container is one of our own with docker's filter of system calls, so that nothing can make
namespaces. `contrib/image/try-in-docker` does the same with docker, for all examples.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.rig import EXAMPLES, ROOT, Jettison
from registry_server import PASSWORD, USER, RegistryServer
from turns import ALL_LEVELS

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_network,
    pytest.mark.slow,
    pytest.mark.xdist_group("bases"),
]

MOST_BYTES = 60_000_000
DOCKERFILE = ROOT / "contrib" / "image" / "Dockerfile"
SCRIPT = r"""
set -eu
mkdir -p /kaniko/.docker
echo "{\"auths\":{\"$CI_REGISTRY\":{\"auth\":\"$(printf "%s:%s" "$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD" \
  | base64 | tr -d '\n')\"}}}" > /kaniko/.docker/config.json
/kaniko/executor --context "${CI_PROJECT_DIR}" --dockerfile "${CI_PROJECT_DIR}/Dockerfile" \
  --destination "${CI_REGISTRY_IMAGE}:${CI_COMMIT_TAG}" --registry-mirror "$CI_REGISTRY" \
  --cache=true --digest-file /tmp/digest
"""
"""The script of a GitLab job for kaniko, and a mirror that has the base images."""
NO_RUN = 'FROM busybox\nCOPY Dockerfile /\nCOPY --chown=1:2 Dockerfile /owned\nCMD ["sh"]\n'
RUN = NO_RUN + "RUN echo built > /built && chown 3:4 /built\n"


class Job:
    """Containers of the CI image beside a registry that wants credentials."""

    def __init__(self, jettison: Jettison, registry: RegistryServer, place: Path) -> None:
        self._jettison = jettison
        self.registry = registry
        self._place = place

    def run(self, context: Path, *flags: str) -> subprocess.CompletedProcess[str]:
        variables = {
            "CI_REGISTRY": self.registry.host,
            "CI_REGISTRY_USER": USER,
            "CI_REGISTRY_PASSWORD": PASSWORD,
            "CI_REGISTRY_IMAGE": f"{self.registry.host}/group/app",
            "CI_COMMIT_TAG": "v1",
            "CI_PROJECT_DIR": "/builds/group/app",
            "JETTISON_CA_BUNDLE": "/ca.crt",
        }
        given = [each for name, value in variables.items() for each in ("-e", f"{name}={value}")]
        mounts = ["-v", f"{context}:/builds/group/app:ro", "-v", f"{self._place}/ca.crt:/ca.crt:ro"]
        return self._jettison.try_run(
            "run", "--rm", "--network", "host", *flags, *given, *mounts, "--entrypoint", "",
            "jettison-ci:debug", "sh", "-c", SCRIPT,
        )  # fmt: skip

    def context(self, dockerfile: str) -> Path:
        """Return a directory that everybody may read."""
        context = self._place / "context"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(dockerfile)
        return context

    def pushed(self, place: Path) -> dict[str, object]:
        """Return the config of the image that was pushed, read with the credentials."""
        other = Jettison(place / "other")
        other.env["DOCKER_CONFIG"] = str(self._place / "docker")
        name = f"{self.registry.host}/group/app:v1"
        other("pull", name)
        return json.loads(other("inspect", name).stdout)[0]


@pytest.fixture(scope="module")
def image(jettison: Jettison, bases: Callable[..., None]) -> Jettison:
    """The store with the CI image in it, plain and with a shell."""
    bases("python:3.11-slim", "busybox")
    for tag, target in (("jettison-ci", ()), ("jettison-ci:debug", ("--target", "debug"))):
        flags = ["-f", DOCKERFILE, "--ca-bundle", "host", "--build-arg", "SOURCE_DATE_EPOCH=0"]
        jettison("build", *flags, *target, "-t", tag, ROOT)
    return jettison


@pytest.fixture(scope="module")
def job(image: Jettison) -> Iterator[Job]:
    with tempfile.TemporaryDirectory(prefix="ci-") as name:
        place = Path(name)
        place.chmod(0o755)
        bundle = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
        shutil.copy(bundle, place / "ca.crt")
        with RegistryServer(place / "registry", "basic") as registry:
            (place / "docker").mkdir()
            entry = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
            config = {"auths": {registry.host: entry}}
            (place / "docker" / "config.json").write_text(json.dumps(config))
            job = Job(image, registry, place)
            provide(job, "busybox")
            yield job


def provide(job: Job, *names: str) -> None:
    """Push base images to the registry, as its mirror of docker.io has them."""
    for name in names:
        theirs = f"{job.registry.host}/library/{name}"
        job._jettison("tag", name, theirs)
        env = {**job._jettison.env, "DOCKER_CONFIG": str(job._place / "docker")}
        subprocess.run(job._jettison.argv("push", "-q", theirs), env=env, check=True)
        job._jettison("rmi", theirs)


def test_it_is_small_and_has_no_shell_but_in_debug(image: Jettison, tmp_path: Path) -> None:
    for name in ("jettison-ci", "jettison-ci:debug"):
        image("save", "-o", tmp_path / "image.tar", name)
        assert (tmp_path / "image.tar").stat().st_size < MOST_BYTES
    assert image.try_run("run", "--rm", "--entrypoint", "sh", "jettison-ci").returncode == 127
    said = image(
        "run",
        "--rm",
        "--entrypoint",
        "sh",
        "jettison-ci:debug",
        "-c",
        "jettison version && git --version",
    )
    assert "Version:" in said.stdout
    assert "git version" in said.stdout
    assert image("run", "--rm", "jettison-ci", "version").stdout.startswith("jettison ")


SUBMODULE = """
set -eu
export HOME=/tmp GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=protocol.file.allow GIT_CONFIG_VALUE_0=always
cd /tmp
for name in inner outer; do
  git init -q $name
  git -C $name -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
done
git -C outer submodule --quiet add /tmp/inner sub
git -C outer submodule update --quiet --init --recursive
git -C outer submodule status
ssh -V
"""


def test_debug_has_ssh_and_submodules_of_git(image: Jettison) -> None:
    said = image("run", "--rm", "--entrypoint", "sh", "jettison-ci:debug", "-c", SUBMODULE)
    assert " sub " in said.stdout
    assert "\nOpenSSH" in said.stderr


def test_it_starts_with_bytecode(image: Jettison) -> None:
    """Without, each start would compile all modules again: nobody may write into the image."""
    code = (
        "import sys; sys.path.insert(0, '/usr/lib/jettison'); import jettison.cli.build, os, ssl\n"
        "for each in list(sys.modules.values()):\n"
        "    spec = getattr(each, '__spec__', None)\n"
        "    if spec and str(spec.origin).endswith('.py') and not os.path.exists(spec.cached):\n"
        "        print(each.__name__)\n"
    )
    said = image("run", "--rm", "--entrypoint", "python3", "jettison-ci", "-ISc", code).stdout
    assert said == ""


@pytest.mark.parametrize(
    "flags",
    [(), ("--cap-drop", "ALL", "--cap-add", "SYS_CHROOT")],
    ids=["docker's capabilities", "chroot only"],
)
def test_a_job_of_kaniko_s_users_needs_another_image_name_only(
    job: Job, flags: tuple[str, ...], tmp_path: Path
) -> None:
    done = job.run(job.context(RUN), *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sandbox `in-container`" in done.stderr
    config = job.pushed(tmp_path)["Config"]
    assert config["Cmd"] == ["sh"]  # type: ignore[index]


@pytest.mark.parametrize(
    "flags",
    [
        ("--user", "12345", "--cap-drop", "ALL"),
        ("--user", "1000770000:0", "--cap-drop", "ALL", "-e", "KUBERNETES_SERVICE_HOST=10.0.0.1"),
    ],
    ids=["another user", "as on OpenShift"],
)
def test_without_any_right_a_build_without_run_works_and_one_with_says_what_is_missing(
    job: Job, flags: tuple[str, ...]
) -> None:
    context = job.context(NO_RUN)
    done = job.run(context, *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    done = job.run(job.context(RUN), *flags)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "CAP_SYS_CHROOT" in done.stderr
    is_pod = "KUBERNETES_SERVICE_HOST=10.0.0.1" in flags
    assert ("SCC" in done.stderr and "add: [SYS_CHROOT]" in done.stderr) == is_pod


ALL = {"go": ["golang:1.21"], "node": ["node:20-alpine"], "node-yarn": ["node:14"], "python-poetry": ["python:3.11-slim", "python:3.11-alpine"]}  # fmt: skip
CHOSEN = ALL if ALL_LEVELS else {}


@pytest.mark.skipif(not CHOSEN, reason="JETTISON_TEST_LEVELS=all builds them: minutes each")
@pytest.mark.parametrize("example", CHOSEN or ["go"])
def test_the_examples_are_built_and_pushed(
    job: Job, example: str, bases: Callable[..., None], tmp_path: Path
) -> None:
    bases(*ALL[example])
    provide(job, *ALL[example])
    done = job.run(EXAMPLES / example)
    assert done.returncode == 0, done.stdout + done.stderr
    assert job.pushed(tmp_path)["Config"]
