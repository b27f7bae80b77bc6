"""``jettison why``, and what ``build --explain`` prints: why steps ran."""

from __future__ import annotations

import time

import click
import msgspec

from jettison.api.session import Session
from jettison.api.why import LAST
from jettison.api.why import why as explain_image
from jettison.cli.session import in_session
from jettison.console.terminal import out, safe_json
from jettison.errors import UsageError
from jettison.linux.text import printable
from jettison.why.explanation import Explanation, FileChange, RootCause, StepReason

_FILES = 8
_STEPS = 6


@click.command("why")
@click.argument("image", metavar="IMAGE|last", default=LAST)
@click.argument("step", metavar="[STEP]", default="")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@click.pass_context
def why(ctx: click.Context, /, image: str, step: str, *, as_json: bool) -> int:
    """Say why the steps of a build ran: of the last one that ran something, or of an image's.

    STEP is the line of an instruction in the Dockerfile, or a part of the step's name such as
    "builder 3/7" or "npm ci".
    """

    def work(session: Session) -> int:
        found = explain_image(session, image)
        if step:
            found = of_steps(found, step)
        if as_json:
            text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
            out(safe_json(text) + "\n")
        else:
            out(explanation_text(found, all_files=bool(step)))
        return 0

    return in_session(ctx, work)


def of_steps(explanation: Explanation, wanted: str) -> Explanation:
    """Return what an explanation says of some steps.

    Args:
        explanation: It.
        wanted: A line of the Dockerfile, or a part of a step's name.

    Raises:
        UsageError: no step that ran is meant.
    """
    if wanted.isdigit():
        steps = [each for each in explanation.steps if each.line == int(wanted)]
    else:
        steps = [each for each in explanation.steps if wanted in " ".join(each.name.split())]
    if not steps:
        lines = ", ".join(str(each.line) for each in explanation.steps)
        raise UsageError(
            f"no step that ran is `{wanted}`",
            hint=f"steps at these lines ran: {lines}" if lines else "every step was cached",
        )
    indexes = dict.fromkeys(i for each in steps for i in (each.root, *each.also))
    places = {index: place for place, index in enumerate(indexes)}
    return msgspec.structs.replace(
        explanation,
        roots=tuple(explanation.roots[index] for index in indexes),
        steps=tuple(
            msgspec.structs.replace(
                each, root=places[each.root], also=tuple(places[i] for i in each.also)
            )
            for each in steps
        ),
        skipped=(),
    )


def explanation_text(explanation: Explanation, *, all_files: bool = False) -> str:
    """Return an explanation as lines of text, ending in a newline."""
    lines = [_headline(explanation)]
    for index, root in enumerate(explanation.roots):
        affected = [each for each in explanation.steps if each.root == index]
        if affected:
            lines += _root_lines(root, affected, all_files=all_files)
    lines += _skipped_lines(explanation)
    return printable("\n".join(lines), keep="\n") + "\n"


def _headline(explanation: Explanation) -> str:
    ran = len(explanation.steps)
    if not ran:
        count = explanation.cached
        return f"nothing ran: {count} steps were cached" if count != 1 else "nothing ran"
    text = f"why {ran} steps ran" if ran > 1 else "why 1 step ran"
    if explanation.cached:
        text += f" and {explanation.cached} did not"
    if explanation.compared_ns:
        text += f" (compared with the build of {_ago(explanation.compared_ns)})"
    return text + ":"


def _root_lines(root: RootCause, affected: list[StepReason], *, all_files: bool) -> list[str]:
    lines = [f" {root.text[:1].upper()}{root.text[1:]}"]
    first = next((each for each in affected if each.direct), None)
    if root.line and (first is None or first.line != root.line):
        lines[0] += f" (line {root.line})"
    if root.cost_ns:
        lines[0] += f"  [{_seconds(root.cost_ns)}]"
    shown = len(root.files) if all_files else _FILES
    if root.file_count > 1 or (root.files and root.files[0].note):
        lines += [f"     {_file(each)}" for each in root.files[:shown]]
        if root.file_count > shown:
            lines.append(f"     … {root.file_count - shown} more")
    steps = affected if all_files else affected[:_STEPS]
    lines += [f"   {_step(each)}" for each in steps]
    if len(affected) > len(steps):
        more = len(affected) - len(steps)
        lines.append(f"   and  {more} more step{'s' * (more > 1)}")
    if root.fix:
        lines.append(f"   fix: {root.fix}")
    return lines


def _step(step: StepReason) -> str:
    how = "ran " if step.direct else "then"
    line = f"line {step.line}" if step.line else ""
    facts = (line, _seconds(step.duration_ns), "failed" if step.failed else "")
    return f"{how} {step.name}  {', '.join(filter(None, facts))}".rstrip()


def _file(change: FileChange) -> str:
    facts = f" {change.before} → {change.after}" if change.before and change.after else ""
    note = f"  ({change.note})" if change.note else ""
    return f"{change.change:<8} {change.path}{facts}{note}"


def _skipped_lines(explanation: Explanation) -> list[str]:
    lines = []
    for stage in explanation.skipped:
        lines.append(f" Stage `{stage.name}` (line {stage.line}) was not needed, and not built")
        lines += [f"   so this did not run: {test.text}  line {test.line}" for test in stage.tests]
        if stage.tests:
            lines.append(f"   fix: `--target {stage.name}` runs it")
    return lines


def _seconds(duration_ns: int) -> str:
    if not duration_ns:
        return ""
    seconds = duration_ns / 1e9
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"


def _ago(moment_ns: int) -> str:
    seconds = max(0, (time.time_ns() - moment_ns) // 10**9)
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} seconds ago" if seconds != 1 else "1 second ago"
