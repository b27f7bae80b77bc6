"""``jettison report``: the report of an image again."""

from __future__ import annotations

import click

from jettison.api.session import Session
from jettison.cli.report_flags import ReportingCommand
from jettison.cli.report_output import parse_reports, write_reports
from jettison.cli.session import in_session
from jettison.cli.values import texts
from jettison.errors import UsageError


@click.command("report", cls=ReportingCommand)
@click.argument("image", metavar="IMAGE|TAG|DIGEST")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="What to write: brief (the default), full, json, md, html; repeatable.",
)
@click.pass_context
def report(ctx: click.Context, /, image: str, **flags: object) -> int:
    """Show where an image's bytes come from, what was left behind, and what it offers to attack.

    Of an image that was built here this is what its build reported, but for what the cache gave.
    Of another one, only what its layers and history tell is known. A name with a registry that is
    not in the store is looked for there: a build may have attached its report.
    """
    outputs = parse_reports(texts(flags, "reports"), "brief")
    if outputs.attach:
        raise UsageError("`report` attaches nothing", hint="`build --push --report=attach` does")

    def work(session: Session) -> int:
        from jettison.api.report import named_report

        write_reports(named_report(session, image, details=outputs.has_details), outputs)
        return 0

    return in_session(ctx, work)
