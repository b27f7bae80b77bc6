"""``jettison build`` through the command line: flags, contexts, cache, what it says."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from pathlib import Path

import pytest

from e2e.command import Cli

STAGES = """\
FROM box AS builder
ARG WHO=world
COPY hello.txt /src/hello.txt
RUN echo "hello $WHO" > /out && cat /src/hello.txt >> /out
FROM box AS other
COPY other.txt /
RUN cat /other.txt > /seen
FROM box AS docs
RUN echo never
FROM box
COPY --from=builder /out /out
COPY --from=other /seen /seen
CMD ["cat", "/out"]
"""


def sources(token: str) -> dict[str, str]:
    """Return a context that no other test has."""
    return {"Dockerfile": STAGES, "hello.txt": f"hi {token}\n", "other.txt": f"other {token}\n"}


def steps(said: str) -> dict[str, str]:
    """Return the fate of each step of plain output, by its name."""
    names = dict(re.findall(r"^#(\d+) (\[.*)$", said, re.MULTILINE))
    fates = re.findall(r"^#(\d+) (CACHED|DONE|ERROR|CANCELED)", said, re.MULTILINE)
    return {names[number]: fate for number, fate in fates if number in names}


def test_the_second_build_runs_nothing_and_says_so(cli: Cli):
    context = cli.context(sources("second"))
    first = cli("build", "-t", "second", context)
    assert "hello world" in cli("run", "--rm", "second").stdout
    again = cli("build", "-t", "second", context)
    assert "nothing to run: all 6 steps were cached" in again.stderr
    own = {name: fate for name, fate in steps(again.stderr).items() if "[internal]" not in name}
    assert len(own) == 6
    assert set(own.values()) == {"CACHED"}
    assert re.findall(r"sha256:\w{64}", first.stderr) == re.findall(r"sha256:\w{64}", again.stderr)


def test_a_cached_build_needs_no_namespace(cli: Cli):
    """Entering one would fail, with the reason that the variable tells."""
    context = cli.context(sources("namespace"))
    cli("build", "-t", "unentered", context)
    cli("build", "-t", "unentered", context, env={"JETTISON_USERNS_FAILED": "it must not be tried"})


def test_stages_that_nobody_needs_are_told_and_not_built(cli: Cli):
    said = cli("build", cli.context(sources("skipped"))).stderr
    assert "skipped (not needed): docs" in said
    assert not [name for name in steps(said) if name.startswith("[docs")]


def test_a_changed_file_reruns_only_what_depends_on_it(cli: Cli):
    context = cli.context(sources("one"))
    cli("build", context)
    (context / "other.txt").write_text("changed\n")
    done = steps(cli("build", context).stderr)
    ran = {name for name, fate in done.items() if fate == "DONE"}
    assert ran - {"[internal] load metadata for docker.io/library/box:latest"} == {
        "[other 2/3] COPY other.txt /",
        "[other 3/3] RUN cat /other.txt > /seen",
        "[stage-3 3/3] COPY --from=other /seen /seen",
    }


def test_a_target_builds_no_more_than_it_needs(cli: Cli):
    context = cli.context(sources("target"))
    facts = cli.facts("--target", "builder", "-t", "only:builder", context)
    assert facts["executed"] == 2
    assert [stage["name"] for stage in facts["stages"] if stage["needed"]] == ["builder"]
    assert cli("run", "--rm", "only:builder", "cat", "/out").stdout.startswith("hello world")


def test_arguments_and_labels_reach_the_image(cli: Cli):
    context = cli.context(sources("arguments"))
    cli(
        "build", "-t", "args", "--build-arg", "WHO=you", "--label", "a=b c", "--label", "d", context
    )  # fmt: skip
    assert cli("run", "args").stdout.startswith("hello you\n")
    assert cli("inspect", "-f", "{{json .Config.Labels}}", "args").stdout == '{"a":"b c","d":""}\n'
    cli("build", "-t", "args", "--build-arg", "WHO", context, env={"WHO": "environment"})
    assert cli("run", "args").stdout.startswith("hello environment\n")


def test_an_argument_that_nobody_consumes_is_reported(cli: Cli):
    said = cli("build", "--build-arg", "UNKNOWN=1", cli.context(sources("unused")))
    assert "UNKNOWN" in said.stderr


def test_the_dockerfile_may_be_elsewhere_or_on_standard_input(cli: Cli):
    context = cli.context({"a.txt": "a", "docker/Other": "FROM box\nCOPY a.txt /which\n"})
    cli("build", "-t", "which", "-f", context / "docker/Other", context)
    assert cli("run", "which", "cat", "/which").stdout == "a"
    outside = cli.context({"D": "FROM box\nCOPY a.txt /outside\n"})
    cli("build", "-t", "which", "-f", outside / "D", context)
    assert cli("run", "which", "cat", "/outside").stdout == "a"
    text = b"FROM box\nCOPY a.txt /stdin\nRUN cat /stdin\n"
    cli("build", "-t", "which", "-f", "-", context, stdin=text)
    assert cli("run", "which", "cat", "/stdin").stdout == "a"
    cli("build", "-t", "which", "-f", "docker/Other", ".", cwd=context)


def test_a_dockerfile_on_standard_input_has_an_empty_context(cli: Cli):
    cli("build", "-t", "piped", "-", stdin=b"FROM box\nRUN echo from a pipe > /it\n")
    assert cli("run", "piped", "cat", "/it").stdout == "from a pipe\n"
    said = cli.attempt("build", "-", stdin=b"FROM box\nCOPY a /a\n")
    assert said.returncode == 4
    assert "`/a`" in said.stderr


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_on_standard_input_is_a_context(cli: Cli, mode: str):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode=mode) as tar:
        for name, text in {"Dockerfile": f"FROM box\nCOPY x /x\nENV M={mode}\n", "x": mode}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    cli("build", "-t", "tarred", "-", stdin=archive.getvalue())
    assert cli("run", "tarred", "cat", "/x").stdout == mode


def test_a_build_without_a_name_prints_its_id(cli: Cli):
    said = cli("build", cli.context(sources("nameless")))
    image_id = re.search(r"sha256:\w{64}", said.stderr)
    assert image_id is not None
    assert cli("run", image_id[0]).stdout.startswith("hello world")


def test_quiet_prints_the_id_alone(cli: Cli):
    said = cli("build", "-q", cli.context(sources("quiet")))
    assert re.fullmatch(r"sha256:\w{64}\n", said.stdout)
    assert said.stderr == ""


def test_the_id_and_the_facts_are_written_to_files(cli: Cli):
    iidfile, facts = cli.output(), cli.output()
    context = cli.context(sources("files"))
    said = cli(
        "build", "-q", "-t", "files", "--iidfile", iidfile, "--metadata-file", facts, context
    )  # fmt: skip
    assert iidfile.read_text() == said.stdout.strip()
    document = json.loads(facts.read_text())
    assert document["containerimage.config.digest"] == said.stdout.strip()
    assert document["image.name"] == "docker.io/library/files:latest"


def test_all_steps_run_again_without_the_cache_or_those_of_a_stage(cli: Cli):
    context = cli.context(sources("nocache"))
    assert cli.facts(context)["executed"] == 6
    assert cli.facts("--no-cache", context)["executed"] == 6
    said = cli("build", "--no-cache-filter", "other", context).stderr
    ran = {name for name, fate in steps(said).items() if fate == "DONE"}
    assert {name for name in ran if name.startswith("[other")} == {
        "[other 2/3] COPY other.txt /",
        "[other 3/3] RUN cat /other.txt > /seen",
    }
    assert not {name for name in ran if name.startswith("[builder")}


def test_flags_that_docker_ignores_are_accepted(cli: Cli):
    context = cli.context(sources("accepted"))
    flags = ["--rm", "--rm=true", "--force-rm", "--compress", "--no-cache=false", "--load"]
    said = cli("build", "-q", *flags, "--provenance=false", context, env={"DOCKER_BUILDKIT": "1"})
    assert said.stderr == ""
    assert "changes nothing" in cli("build", "--cgroup-parent", "x", context).stderr


def test_docker_names_of_the_command_work(cli: Cli):
    context = cli.context(sources("names"))
    ids = {cli(*group, "build", "-q", context).stdout for group in ((), ("buildx",), ("image",))}
    assert len(ids) == 1


def test_independent_stages_run_at_the_same_time(cli: Cli):
    stage = "FROM box AS s{0}\nRUN echo {0} && sleep 2\nRUN echo {0} > /made\n"
    text = "".join(stage.format(n) for n in range(4)) + "FROM scratch\n"
    text += "".join(f"COPY --from=s{n} /made /{n}\n" for n in range(4))
    said = cli("build", "--progress", "rawjson", cli.context({"Dockerfile": text}))
    events = [json.loads(line) for line in said.stderr.splitlines()]
    spans = []
    for start in (e for e in events if e["event"] == "start" and "sleep 2" in e["name"]):
        end = next(e for e in events if e["event"] == "end" and e["vertex"] == start["vertex"])
        spans.append((start["time_ns"], end["time_ns"]))
    assert len(spans) == 4
    assert max(start for start, _ in spans) < min(end for _, end in spans)
    assert max(end for _, end in spans) - min(start for start, _ in spans) < 3.5e9


def test_plain_output_has_the_lines_of_the_steps(cli: Cli):
    said = cli("build", "--progress=plain", cli.context(sources("plain"))).stderr
    assert said.count("[internal] load metadata for docker.io/library/box:latest") == 1
    assert '[builder 3/3] RUN echo "hello world" > /out && cat /src/hello.txt >> /out' in said
    context = cli.context({"Dockerfile": "FROM box\nRUN echo to out; echo to err >&2\n"})
    said = cli("build", "--progress=plain", context).stderr
    assert re.search(r"^#\d+ \d+\.\d{3} to out$", said, re.MULTILINE)
    assert re.search(r"^#\d+ \d+\.\d{3} to err$", said, re.MULTILINE)


def test_a_terminal_gets_a_live_view(cli: Cli):
    context = cli.context({"Dockerfile": "FROM box\nRUN echo on the screen; sleep 1\n"})
    status, shown = cli.on_terminal("build", "-t", "live", context)
    assert status == 0
    assert "\x1b[" in shown
    assert "[+] Building" in shown
    assert "on the screen" in shown
    assert "naming to docker.io/library/live:latest" in shown


def test_an_interrupted_build_leaves_a_usable_store(cli: Cli):
    context = cli.context({"Dockerfile": "FROM box\nRUN echo started; sleep 60\n"})
    status, shown = cli.on_terminal("build", context, typed=b"\x03", until=b"started")
    assert status == 130, shown
    assert "Traceback" not in shown
    cli("build", cli.context(sources("after interrupt")))
    left = os.listdir(Path(cli.env["JETTISON_ROOT"]) / "tmp")
    assert [name for name in left if not name.endswith(".lock")] == []


def test_the_size_table_tells_what_was_left_behind(cli: Cli):
    table = cli("build", "-q", "--sizes", cli.context(sources("sizes"))).stdout
    assert re.search(r"^builder +box +\S+ +\S+ +\S+$", table, re.MULTILINE)
    assert re.search(r"^docs .*not needed, not built$", table, re.MULTILINE)
    assert "image with multi-stage:" in table


def test_steps_take_options_of_security(cli: Cli):
    text = "FROM box\nRUN grep -E 'Seccomp:|NoNewPrivs' /proc/self/status; ! mkdir /refused\n"
    profile = '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}'
    context = cli.context({"Dockerfile": text, "profile.json": profile})
    flags = ["--no-cache", "--progress=plain", "--security-opt", "no-new-privileges"]
    said = cli("build", *flags, "--security-opt", "seccomp=profile.json", ".", cwd=context)
    assert "NoNewPrivs:\t1" in said.all
    assert "Seccomp:\t2" in said.all
    said = cli.attempt("build", *flags, "--security-opt", "seccomp=unconfined", ".", cwd=context)
    assert "Seccomp:\t0" in said.all
    assert said.returncode != 0  # the step could make its directory
    said = cli.attempt("build", "--security-opt", "seccomp=no-such.json", ".", cwd=context)
    assert "opening seccomp profile (no-such.json) failed" in said.stderr
