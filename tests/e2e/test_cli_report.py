"""Reports and gates on the command line, as root and as a user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from e2e.command import ROOT, Cli

SCHEMA = json.loads((ROOT / "docs/reference/report.schema.json").read_bytes())
FILES = {
    "Dockerfile": """\
FROM box AS builder
COPY main.sh /src/main.sh
RUN mkdir -p /out /root/.cache/pip && cp /src/main.sh /out/app && chmod 755 /out/app \\
 && head -c 300000 /dev/zero > /root/.cache/pip/wheel && head -c 5000 /dev/zero > /out/data

FROM builder AS test
RUN test -x /out/app

FROM scratch
COPY --from=builder /out /app
COPY more /more
USER 65532:65532
CMD ["/app/app"]
""",
    "main.sh": "#!/bin/sh\necho hello\n",
    "more": "1234567",
}
SHIPPED = 5000 + len(FILES["main.sh"]) + 7


@pytest.fixture(scope="module")
def context(cli: Cli) -> Path:
    return cli.context(FILES)


def report_of(cli: Cli, *args: str | Path) -> dict[str, Any]:
    """Build with a report as JSON, which fits the schema."""
    path = cli.output(".json")
    cli("build", "--report", f"json={path}", *args)
    report = json.loads(path.read_bytes())
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    return report


def test_a_report_has_the_numbers_of_the_build(cli: Cli, context: Path) -> None:
    report = report_of(cli, "-t", "reported", context)
    image = report["image"]
    assert (image["ref"], image["user"], image["wasted"]) == ("reported:latest", "65532:65532", 0)
    assert image["shipped"] == image["visible"] == SHIPPED
    builder, test, final = report["stages"]
    assert (builder["name"], builder["used"], test["used"], final["final"]) == (
        "builder", True, False, True,
    )  # fmt: skip
    assert builder["added"] == 300_000 + SHIPPED - 7 + len(FILES["main.sh"])
    assert builder["reached"] == SHIPPED - 7
    assert builder["left"] == builder["added"] - builder["reached"]
    assert final["produced"] == 7
    assert [step["id"] for step in builder["steps"]] == ["builder/1", "builder/2"]
    (crossing,) = report["crossings"]
    wanted = {"from": "builder", "to": "2", "src": "/out", "dst": "/app", "line": 10, "files": 2}
    assert {key: crossing[key] for key in wanted} == wanted
    assert report["left_behind"][0]["what"] == "base image"
    assert {"stage": "builder", "what": "pip cache", "bytes": 300_000} in report["left_behind"]
    assert report["counterfactual"]["primary"] == "builder"
    assert report["counterfactual"]["method"] == "computed"
    before, after = report["surface"]["before"], report["surface"]["after"]
    assert (before["shells"], after["shells"], after["executables"]) == (1, 0, 1)
    assert report["cache"] == {"steps": 4, "hits": 0, "saved_seconds": 0, "skipped": ["test"]}
    assert sum(each["bytes"] for each in report["origins"]) == SHIPPED
    assert report["tree"]["bytes"] == SHIPPED
    assert report["dockerfile"]["text"] == FILES["Dockerfile"]


def test_a_cached_build_reports_the_same_but_for_what_the_cache_gave(
    cli: Cli, context: Path
) -> None:
    first = report_of(cli, "-t", "again", context)
    second = report_of(cli, "-t", "again", context)
    assert second["cache"]["hits"] == 4
    assert second["baseline"]["delta"]["shipped"] == 0
    for report in (first, second):
        for key in ("cache", "baseline", "seconds", "stages", "image"):
            report.pop(key)
    assert first == second
    shown = json.loads(cli("report", "again", "--report", "json").stdout)
    assert shown["image"]["shipped"] == SHIPPED
    assert "5.028kB" in cli("report", "again").stdout


def test_nothing_is_printed_unless_somebody_asks_and_quiet_stays_quiet(
    cli: Cli, context: Path
) -> None:
    assert "STAGE" not in cli("build", context).all
    assert "STAGE" in cli("build", "--report", context).stdout
    assert "STAGE" not in cli("build", "--report", "none", context).all
    assert "Layers\n" in cli("build", "--report=full", context).stdout
    said = cli("build", "-q", "--report", f"md={cli.output()}", context).stdout
    assert said.startswith("sha256:")
    assert said.count("\n") == 1


def test_a_terminal_shows_the_brief_report_of_a_build_that_ran_something(cli: Cli) -> None:
    context = cli.context({"Dockerfile": "FROM box\nRUN echo once > /once\n"})
    status, shown = cli.on_terminal("build", context)
    assert (status, "LEFT BEHIND" in shown, "shipped" in shown) == (0, True, True)
    status, shown = cli.on_terminal("build", context)
    assert (status, "LEFT BEHIND" in shown) == (0, False)


def test_the_summary_of_a_ci_job_is_found(cli: Cli, context: Path) -> None:
    summary = cli.output(".md")
    cli("build", "--report", "md", context, env={"GITHUB_STEP_SUMMARY": str(summary)})
    cli("build", "--report", "md", context, env={"GITHUB_STEP_SUMMARY": str(summary)})
    text = summary.read_text()
    assert text.count("## Image ") == 2
    assert "| `builder` |" in text


def test_a_page_of_html_is_written_by_a_build_and_again_from_the_store(
    cli: Cli, context: Path
) -> None:
    first, again = cli.output(".html"), cli.output(".html")
    cli("build", "-t", "paged", "--report", f"html={first}", context)
    cli("report", "paged", "--report", f"html={again}")
    for path in (first, again):
        page = path.read_text()
        assert page.startswith("<!doctype html>")
        assert "paged:latest" in page
        assert "COPY --from=builder /out /app" in page
        assert page.endswith("</html>\n")


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (("--max-size", "5kB"), 20, "line 10: COPY --from=builder /out /app"),
        (("--max-wasted", "0", "--forbid", "shells,compilers"), 0, ""),
        (("--require-user",), 0, ""),
        (("--max-size", "nonsense"), 125, "`nonsense` is no size"),
        (("--forbid", "shoes"), 125, "has a kind that is not known"),
        (("--baseline", "nowhere", "--max-growth", "1%"), 125, "neither a file nor an image"),
    ],
)
def test_gates_have_their_statuses(
    cli: Cli, context: Path, flags: tuple[str, ...], status: int, words: str
) -> None:
    said = cli.attempt("build", *flags, context)
    assert said.returncode == status
    assert words in said.stderr


def test_a_failed_gate_tags_and_writes_nothing_and_the_result_stays_in_the_cache(cli: Cli) -> None:
    context = cli.context({"Dockerfile": "FROM box AS b\nRUN echo x > /bin/new\nRUN rm /bin/new\n"})
    archive, report = cli.output(".tar"), cli.output(".json")
    flags = ("-t", "refused", "-o", f"type=oci,dest={archive}", "--report", f"json={report}")
    said = cli.attempt("build", *flags, "--max-wasted", "1", "--forbid", "shells", context)
    assert said.returncode == 22
    assert "2 limits are not kept, nothing was tagged or pushed" in said.stderr
    assert "shells: /bin/" in said.stderr
    assert "2B  /bin/new: delete, shipped by line 2, hidden by line 3" in said.stderr
    assert not archive.exists()
    assert "refused" not in cli("images").stdout
    found = json.loads(report.read_bytes())
    assert found["budget"]["ok"] is False
    (waste,) = found["waste"]
    assert (waste["path"], waste["bytes"], waste["cause"]) == ("/bin/new", 2, "delete")
    assert (waste["introduced"], waste["hidden_by"]) == ("b/1", "b/2")
    assert (
        "nothing to run: all 2 steps were cached" in cli("build", "-t", "refused", context).stderr
    )


def test_growth_is_against_the_last_build_a_report_or_an_image(cli: Cli) -> None:
    def context(size: int) -> Path:
        return cli.context({"Dockerfile": "FROM scratch\nCOPY data /\n", "data": "x" * size})

    before = cli.output(".json")
    said = cli(
        "build", "-t", "grown", "--max-growth", "5%", "--report", f"json={before}", context(1000)
    )
    assert "there is no build to compare with" in said.stderr
    cli("build", "-t", "grown", "--max-growth", "5%", context(1050))
    assert cli.attempt("build", "-t", "grown", "--max-growth", "5%", context(1200)).returncode == 21
    flags = ("build", "--max-growth", "100", "--baseline")
    assert cli.attempt(*flags, before, context(1101)).returncode == 21
    assert cli.attempt(*flags, before, context(1100)).returncode == 0
    assert cli.attempt(*flags, "grown", context(1101)).returncode == 0


def test_limits_stand_beside_the_dockerfile(cli: Cli) -> None:
    settings = '[gates]\nmax-size = "10B"\n[target.small.gates]\nmax-size = "1MB"\n'
    context = cli.context({
        "Dockerfile": "FROM scratch AS small\nCOPY data /\nFROM small\n",
        "data": "x" * 100,
        "jettison.toml": settings,
    })  # fmt: skip
    said = cli.attempt("build", context)
    assert said.returncode == 20
    assert "max-size 10B (jettison.toml): 100B" in said.stderr
    assert cli.attempt("build", "--target", "small", context).returncode == 0
    assert cli.attempt("build", "--max-size", "none", context).returncode == 0
    assert (
        cli.attempt(
            "build", "-f", context / "Dockerfile", cli.context({"data": "x" * 99})
        ).returncode
        == 20
    )


def test_the_single_stage_is_really_built_if_asked_for(cli: Cli, context: Path) -> None:
    report = report_of(cli, "--counterfactual=build", context)["counterfactual"]
    computed = report_of(cli, context)["counterfactual"]
    assert report["method"] == "measured"
    assert computed["bytes"] <= report["bytes"] <= computed["bytes"] * 1.01


def test_an_image_that_was_not_built_here_has_a_report_of_its_layers(cli: Cli) -> None:
    archive = cli.output(".tar")
    cli("save", "-o", archive, "box")
    other = cli.with_store("store-of-reports")
    other("load", "-i", archive)
    report = json.loads(other("report", "box", "--report", "json").stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    assert report["image"]["shipped"] > 100_000
    assert report["surface"]["after"]["shells"] == 1
    assert "no image `nothing`" in other.attempt("report", "nothing").stderr


def test_a_chown_of_files_of_the_base_image_is_told_from_a_rewrite(cli: Cli) -> None:
    text = "FROM box\nRUN chmod 700 /bin/busybox\nRUN echo root:x:0:0 > /etc/passwd\n"
    waste = {
        each["path"]: each for each in report_of(cli, cli.context({"Dockerfile": text}))["waste"]
    }
    assert waste["/bin/busybox"]["cause"] == "metadata"
    assert (waste["/bin/busybox"]["introduced"], waste["/bin/busybox"]["hidden_by_line"]) == (
        "base image",
        2,
    )
    assert waste["/etc/passwd"]["cause"] == "rewrite"
