"""Render a report as one HTML document.

In:  a ``Report``.
Out: bytes of UTF-8.

Security: names of files, packages and images, instructions and messages are hostile. Every value
that a template prints is made visible (``text.visible``) and then escaped, by the environment and
not by templates; values are printed between tags and in quoted attributes only. Style and script
are files of this package. The policy of the document names the digests of these two, so that
nothing else has an effect, and no address is ever asked for anything.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from jettison.console.plain import size
from jettison.report import words
from jettison.report.html import text
from jettison.report.html.colors import of_origins, of_stage
from jettison.report.html.graph import graph
from jettison.report.html.page import Page
from jettison.report.model import Report

PLACE = Path(__file__).parent / "templates"


def render(report: Report) -> bytes:
    """Return the document of a report."""
    template = _environment().get_template("page.html.j2")
    colors = of_origins(report.origins)
    style, script = _asset("report.css"), _asset("report.js")
    html = template.render(
        report=report,
        page=Page(report),
        colors=colors,
        graphs=(("across", graph(report)), ("down", graph(report, upright=True))),
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704 - a file of this package
        policy=_policy(style, script),
    )
    return html.encode("utf-8", "backslashreplace")


def _policy(style: str, script: str) -> str:
    """Return the content security policy: this style, this script, nothing from anywhere."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_source(style)}'",
            f"script-src '{_source(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _source(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


@cache
def _asset(name: str) -> str:
    return (PLACE / name).read_text("utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PLACE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        size=size,
        change=words.change,
        difference=words.difference,
        duration=words.duration,
        percent=words.percent,
        named=text.named,
        fit=text.fitting,
        stage_color=of_stage,
    )
    environment.globals["count"] = words.count
    return environment


def _finalized(value: object) -> object:
    """Make a value visible before it is escaped; what templates made is so already."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return text.visible(value)
    return value
