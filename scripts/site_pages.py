"""A hook of mkdocs: pages that are outside of ``docs``, and links that lead there.

In:  ``docs`` and some pages of the project.
Out: the pages below ``project/``; each relative link leads to a page of the site, and one that
    leads to a file that is none becomes its text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "RELEASING.md",
    "SECURITY.md",
    "bench/README.md",
    "examples/README.md",
    "examples/bases/README.md",
)
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_OUTSIDE = re.compile(r"[a-z]+:", re.IGNORECASE)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages of the project."""
    for name in PAGES:
        files.append(File.generated(config, f"project/{name}", abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Rewrite the links of a page, but for those in code."""
    here = page.file.src_uri

    def rewritten(link: re.Match[str]) -> str:
        text, target, anchor = link.groups()
        if _OUTSIDE.match(target):
            return link[0]
        found = site_path(
            posixpath.normpath(posixpath.join(posixpath.dirname(in_project(here)), target))
        )
        if found is None:
            return str(text)
        return f"[{text}]({posixpath.relpath(found, posixpath.dirname(here) or '.')}{anchor or ''})"

    parts = _FENCED.split(markdown)
    parts[::2] = [_LINK.sub(rewritten, part) for part in parts[::2]]
    return "".join(parts)


def in_project(page: str) -> str:
    """Return where a page of the site is in the project."""
    return page.removeprefix("project/") if page.startswith("project/") else f"docs/{page}"


def site_path(path: str) -> str | None:
    """Return where a file of the project is on the site; None for one that is not on it.

    A file that does not exist is left to mkdocs, which says that the link is broken.
    """
    if (ROOT / path / "README.md").exists():
        path = f"{path}/README.md"
    if path in PAGES:
        return f"project/{path}"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return None if (ROOT / path).exists() else f"missing/{path}"
