"""What `contrib` has for CI systems and editors: its form, and that its scripts do what they say."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from host_tools import tool
from jettison.cli.main import run
from jettison.container.cdi.yaml import load
from registry_server import PASSWORD, USER, RegistryServer

ROOT = Path(__file__).resolve().parents[3]
CONTRIB = ROOT / "contrib"
# Of docker/build-push-action 6.
INPUTS = {
    "add-hosts", "allow", "annotations", "attests", "build-args", "build-contexts", "builder", "cache-from", "cache-to",
    "call", "cgroup-parent", "context", "file", "github-token", "labels", "load", "network", "no-cache",
    "no-cache-filters", "outputs", "platforms", "provenance", "pull", "push", "sbom", "secret-envs", "secret-files",
    "secrets", "shm-size", "ssh", "tags", "target", "ulimit",
}  # fmt: skip
SCRIPTS = [*CONTRIB.rglob("*.sh")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_have_no_faults_that_shellcheck_knows(script: Path) -> None:
    done = subprocess.run([tool("shellcheck"), script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
    subprocess.run([shell, "-n", script], check=True)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(
        "FROM scratch AS first\nCOPY Dockerfile /\nFROM scratch\nARG A=none\nLABEL a=$A\nCOPY --from=first / /\n"
    )
    return context


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A PATH on which `jettison` is this one, and a store."""
    place = tmp_path / "bin"
    place.mkdir()
    program = place / "jettison"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m jettison "$@"\n')
    program.chmod(0o755)
    return {
        "PATH": f"{place}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(tmp_path),
        "JETTISON_ROOT": str(tmp_path / "store"),
    }


# ------------------------------------------------------------------------------- GitHub


def action() -> dict[str, Any]:
    found = load((CONTRIB / "github" / "action.yml").read_text())
    assert isinstance(found, dict)
    return found


def test_the_action_has_the_inputs_and_outputs_of_build_push_action() -> None:
    described = action()
    assert set(described["inputs"]) == INPUTS | {"jettison", "summary"}
    assert set(described["outputs"]) == {"imageid", "digest", "metadata"}
    assert all(each["description"] for each in described["inputs"].values())
    assert described["runs"]["using"] == "composite"
    (step,) = described["runs"]["steps"]
    assert step["run"] == 'bash "$GITHUB_ACTION_PATH/build.sh"'
    named = set(re.findall(r"steps\.(\w+)\.outputs", json.dumps(described["outputs"])))
    assert named == {step["id"]}


class Runner:
    """Runs the action's step as GitHub's runner does."""

    def __init__(self, place: Path, environ: dict[str, str]) -> None:
        self._place = place
        self._environ = environ

    def __call__(self, **given: str) -> subprocess.CompletedProcess[str]:
        inputs = {name: str(each.get("default", "")) for name, each in action()["inputs"].items()}
        inputs |= {name.replace("_", "-"): value for name, value in given.items()}
        files = {name: str(self._place / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            Path(path).write_text("")
        env = {
            **self._environ,
            **files,
            "INPUTS": json.dumps(inputs),
            "RUNNER_TEMP": str(self._place),
        }
        return subprocess.run(
            ["bash", CONTRIB / "github" / "build.sh"], env=env, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, cwd=self._place,
        )  # fmt: skip

    def outputs(self) -> dict[str, str]:
        text = (self._place / "GITHUB_OUTPUT").read_text()
        found = dict(re.findall(r"(?m)^(\w+)=(.*)$", text))
        (found["metadata"],) = re.findall(r"(?s)metadata<<(\S+)\n(.*)\n\1\n", text)[0][1:]
        return found

    def summary(self) -> str:
        return (self._place / "GITHUB_STEP_SUMMARY").read_text()


@pytest.fixture
def runner(tmp_path: Path, environ: dict[str, str]) -> Runner:
    tool("jq")
    return Runner(tmp_path, environ)


def test_the_action_builds_and_pushes_and_says_what(
    runner: Runner, context: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    with RegistryServer(tmp_path / "registry") as registry:
        name = f"{registry.host}/group/app"
        done = runner(
            context=str(context), push="true", tags=f"{name}:v1,{name}:latest\n", build_args="A=of the action\n",
            labels="one=1\ntwo=a b\n", annotations="org.example.note=yes, no\n", provenance="false",
            cache_from="type=gha", target="",
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        outputs = runner.outputs()
        assert outputs["digest"].startswith("sha256:")
        assert json.loads(outputs["metadata"])["containerimage.config.digest"] == outputs["imageid"]
        assert "::notice title=jettison::`cache-from` changes nothing" in done.stdout
        assert "provenance" not in done.stdout
        assert outputs["digest"] in runner.summary()
        assert "LEFT BEHIND" in runner.summary()
        inspect = subprocess.run(
            ["jettison", "inspect", "-f", "{{json .Config.Labels}}", f"{name}:v1"],
            env=environ, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert json.loads(inspect) == {"a": "of the action", "one": "1", "two": "a b"}
        again = {**environ, "JETTISON_ROOT": str(tmp_path / "other")}
        pulled = subprocess.run(
            ["jettison", "pull", f"{name}:latest"],
            env=again,
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"Digest: {outputs['digest']}" in pulled.stdout


def test_secrets_of_the_action_are_in_no_argument_and_no_output(
    runner: Runner, context: Path, environ
) -> None:
    program = Path(environ["PATH"].partition(":")[0]) / "jettison"
    program.write_text(
        '#!/bin/sh\nfor each in "$@"; do echo "arg: $each"; done; echo "{}" > "$2"\n'
    )
    done = runner(
        context=str(context), secrets="token=very hidden\n", secret_envs="b=B", secret_files="c=/f"
    )
    assert "very hidden" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if "arg: id=" in line][1:] == [
        "arg: id=b,env=B",
        "arg: id=c,src=/f",
    ]
    assert any(re.match(r"arg: id=token,src=.*/secret-1$", line) for line in lines)


def test_a_failed_build_of_the_action_fails_the_step(runner: Runner, context: Path) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nCOPY nope /\n")
    done = runner(context=str(context))
    assert done.returncode == 4
    assert "`/nope` not found" in done.stderr


def test_the_action_checks_too(runner: Runner, context: Path) -> None:
    done = runner(context=str(context), call="check")
    assert done.returncode == 0, done.stderr
    assert "no warnings found" in done.stdout


# ------------------------------------------------------------------------------- GitLab


def test_the_gitlab_component_builds_and_pushes(
    context: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    text = (CONTRIB / "gitlab" / "templates" / "build.yml").read_text()
    header, body = text.split("\n---\n")
    described = load(header)
    assert isinstance(described, dict)
    inputs = described["spec"]["inputs"]
    assert all(each["description"] for each in inputs.values())
    assert set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", body)) == set(inputs)
    with RegistryServer(tmp_path / "registry", "basic") as registry:
        given = {name: each.get("default", "") for name, each in inputs.items()} | {
            "image": "x",
            "context": str(context),
        }
        given["dockerfile"] = f"{context}/Dockerfile"
        filled = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: str(given[match[1]]), body)
        jobs = load(filled)
        assert isinstance(jobs, dict)
        job = jobs["build-image"]
        assert job["stage"] == "build"
        assert job["image"] == {"name": "x", "entrypoint": [""]}
        env = {
            **environ,
            "CI_REGISTRY": registry.host,
            "CI_REGISTRY_USER": USER,
            "CI_REGISTRY_PASSWORD": PASSWORD,
            "CI_REGISTRY_IMAGE": f"{registry.host}/group/app",
            "CI_COMMIT_REF_SLUG": "main",
        }
        script = "".join(f'{name}="{value}"\n' for name, value in job["variables"].items())
        script += "\n".join(job["script"])
        done = subprocess.run(
            ["sh", "-e", "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "GET /v2/group/app" in registry.log() or "PUT" in registry.log()
        facts = json.loads((tmp_path / job["artifacts"]["paths"][0]).read_text())
        assert facts["containerimage.digest"].startswith("sha256:")


# ------------------------------------------------------------------------------- Tekton


def test_the_tekton_task_builds_and_pushes(
    context: Path, tmp_path: Path, monkeypatch, capfd
) -> None:
    task = load((CONTRIB / "tekton" / "jettison.yaml").read_text())
    assert isinstance(task, dict)
    assert (task["apiVersion"], task["kind"]) == ("tekton.dev/v1", "Task")
    spec = task["spec"]
    with RegistryServer(tmp_path / "registry", "basic") as registry:
        image = f"{registry.host}/a/b:c"
        values = {
            "params.IMAGE": image, "params.DOCKERFILE": "./Dockerfile", "params.CONTEXT": "./",
            "workspaces.source.path": str(context), "results.IMAGE_DIGEST.path": f"{tmp_path}/digest",
            "results.IMAGE_URL.path": f"{tmp_path}/url",
        }  # fmt: skip
        extra = ["--cache=true", f"--kaniko-dir={tmp_path}"]
        build, write = spec["steps"]
        line: list[str] = []
        for each in build["args"]:
            line += extra if each == "$(params.EXTRA_ARGS)" else [_filled(each, values)]
        entry = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (tmp_path / ".docker").mkdir()
        config = {"auths": {registry.host: {"auth": entry}}}
        (tmp_path / ".docker" / "config.json").write_text(json.dumps(config))
        monkeypatch.chdir(context)
        assert run(["--root", str(tmp_path / "store"), "executor", *line]) == 0, (
            capfd.readouterr().err
        )
        command = [
            sys.executable,
            *write["command"][1:],
            *(_filled(each, values) for each in write["args"]),
        ]
        subprocess.run(command, check=True)
    assert (tmp_path / "digest").read_text().startswith("sha256:")
    assert (tmp_path / "url").read_text() == image
    declared = {f"params.{each['name']}" for each in spec["params"]}
    declared |= {f"results.{each['name']}.path" for each in spec["results"]}
    declared |= {f"workspaces.{each['name']}.path" for each in spec["workspaces"]}
    assert set(re.findall(r"\$\(([\w.]+)\)", json.dumps(spec["steps"]))) <= declared


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\(([\w.]+)\)", lambda match: values[match[1]], text)


# ------------------------------------------------------------------------------- editors


def test_the_hook_takes_dockerfiles_and_checks_all_of_them(
    context: Path, tmp_path: Path, capfd
) -> None:
    hooks = load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert isinstance(hooks, list)
    (hook,) = hooks
    taken = [
        "Dockerfile",
        "a/Dockerfile",
        "Dockerfile.dev",
        "b/Containerfile",
        "web.dockerfile",
        "x.Dockerfile",
    ]
    left = ["Dockerfile.dockerignore", "dockerfile.py", "README.md", "myDockerfile", "Dockerfile/x"]

    def is_taken(path: str) -> bool:
        return bool(re.search(hook["files"], path)) and not re.search(hook["exclude"], path)

    assert [path for path in taken + left if is_taken(path)] == taken
    wrong = tmp_path / "Dockerfile.wrong"
    wrong.write_text("FROM scratch as a\nMAINTAINER b\n")
    command = hook["entry"].split()[1:]
    assert (
        run(["--root", str(tmp_path / "store"), *command, f"{context}/Dockerfile", str(wrong)]) == 1
    )
    said = capfd.readouterr().out
    assert "no warnings found" in said
    assert "MaintainerDeprecated" in said
    assert (
        run(["--root", str(tmp_path / "store"), *command, str(wrong), "x", "--format=json"]) == 125
    )


TASKS = json.loads((CONTRIB / "vscode" / "tasks.json").read_text())["tasks"]


def test_the_matcher_of_checks_finds_place_and_message(tmp_path: Path, monkeypatch, capfd) -> None:
    (task,) = (each for each in TASKS if each["label"] == "jettison: check")
    pattern = task["problemMatcher"]["pattern"]
    (tmp_path / "Dockerfile").write_text("FROM scratch as a\nCOPY x, y /\nMAINTAINER b\n")
    (tmp_path / "wrong").write_text("FROM scratch\nFOO: bar\n")
    monkeypatch.chdir(tmp_path)
    found = []
    for name in ("Dockerfile", "wrong"):
        line = [each.replace("${relativeFile}", name) for each in task["args"]]
        assert run(["--root", str(tmp_path / "store"), *line]) == 1
        for match in filter(
            None, map(re.compile(pattern["regexp"]).match, capfd.readouterr().out.splitlines())
        ):
            keys = ("severity", "file", "line", "endLine", "code")
            found.append(tuple(match[pattern[key]] for key in keys))
            assert match[pattern["message"]]
    assert ("warning", "Dockerfile", "1", "1", "FromAsCasing") in found
    assert ("warning", "Dockerfile", "3", "3", "MaintainerDeprecated") in found
    assert [each[:4] for each in found if each[0] == "error"] == [("error", "wrong", "2", "2")]


def test_the_matcher_of_builds_finds_the_place(tmp_path: Path, monkeypatch, capfd) -> None:
    (task,) = (each for each in TASKS if each["label"] == "jettison: build")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY nope /\n")
    monkeypatch.chdir(tmp_path)
    line = [each.replace("${workspaceFolderBasename}", "app") for each in task["args"]]
    assert run(["--root", str(tmp_path / "store"), *line]) == 4
    lines = capfd.readouterr().err.splitlines()
    first, second = (re.compile(each["regexp"]) for each in task["problemMatcher"]["pattern"])
    places = [first.match(a) for a, b in pairwise(lines) if first.match(a) and second.match(b)]
    assert [(place[1], place[2]) for place in places if place] == [("Dockerfile", "2")]
