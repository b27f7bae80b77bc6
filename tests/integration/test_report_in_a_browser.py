"""The HTML report in a headless Chromium: what it draws, asks for, runs, and is accessible."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, find_browser

import report_rig
from host_tools import lacking
from jettison.report.html.render import render
from jettison.report.html.squarify import Box, squarify

AXE = "axe-core@4.14.1"
AXE_SHA512 = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
WIDTHS = (400, 900, 1600)
TOP = "[...document.querySelectorAll('button.cell')]"

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_browser() or lacking("a Chromium, `chromium-headless-shell` of Debian")
    with Browser(program) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("reports")
    made = {}
    for name in ("sample", "hostile", "large"):
        made[name] = place / f"{name}.html"
        made[name].write_bytes(render(getattr(report_rig, name)()))
    return made


def _axe() -> str:
    """Return the source of axe, fetched once a machine; skip where no registry is reached."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jettison-test"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{AXE.replace('@', '-')}.tgz"
    with (cache / "axe.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            npm = shutil.which("npm") or pytest.skip("`npm` is missing")
            argv = [npm, "pack", AXE, "--silent", "--pack-destination", cache]
            packed = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
            if packed.returncode:
                pytest.skip("no registry of npm is reached")
    data = archive.read_bytes()
    assert base64.b64encode(hashlib.sha512(data).digest()).decode() == AXE_SHA512
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        member = tar.extractfile("package/axe.min.js")
        assert member
        return member.read().decode()


@pytest.mark.needs_network
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_violation(browser: Browser, pages: dict[str, Path], dark: bool) -> None:
    """All rules in light colours; in dark ones those about colours, as nothing else differs."""
    source = _axe()
    chosen = {"resultTypes": ["violations"]} | (
        {"runOnly": ["color-contrast", "link-in-text-block"]} if dark else {}
    )
    browser.look(1200, 900, dark)
    browser.open(pages["sample"])
    browser.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    browser.evaluate(source + ";0")
    found = browser.evaluate(
        f"axe.run(document, {json.dumps(chosen)}).then(result => ["
        "result.passes.length, result.violations.map(each => each.id + ': ' +"
        " each.nodes.map(node => node.html.slice(0, 120) + node.failureSummary).join(' | '))])"
    )
    passes, violations = found
    assert violations == []
    assert passes > (0 if dark else 40)


@pytest.mark.parametrize("name", ["sample", "hostile", "large"])
def test_it_asks_for_nothing_and_nothing_goes_wrong(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.look(900, 900)
    browser.open(pages[name])
    assert browser.requests() == [pages[name].as_uri()]
    assert browser.complaints() == []
    assert browser.evaluate("document.querySelectorAll('script').length") == 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["sample", "hostile"])
def test_no_width_makes_the_page_wider_than_its_window(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.look(width, 900)
    browser.open(pages[name])
    assert browser.evaluate("document.documentElement.scrollWidth") == width


def test_the_policy_holds_against_what_gets_into_the_page(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    """As if escaping had failed: neither scripts nor styles nor addresses have an effect."""
    injected = (
        b"<script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
        b"<style>main { display: none }</style><p id=styled style='color: red'>x</p>"
        b"<iframe src='data:text/html,x'></iframe></main>"
    )
    page = tmp_path / "injected.html"
    page.write_bytes(pages["sample"].read_bytes().replace(b"</main>", injected))
    browser.look(900, 900)
    browser.open(page)
    assert browser.evaluate("window.ran") is None
    assert browser.evaluate("getComputedStyle(document.querySelector('main')).display") == "block"
    color = browser.evaluate("getComputedStyle(document.querySelector('#styled')).color")
    assert color != "rgb(255, 0, 0)"
    assert sum("Content Security Policy" in each for each in browser.complaints()) >= 4
    sink = "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'set' } catch { return 'refused' } })()"
    assert browser.evaluate(sink) == "refused"


def test_script_and_renderer_lay_out_the_same(browser: Browser, pages: dict[str, Path]) -> None:
    browser.look(1200, 900)
    browser.open(pages["sample"])
    width, height, drawn = browser.evaluate(
        "(() => { const cells = document.querySelector('.cells'), page = cells.getBoundingClientRect();"
        f"return [cells.clientWidth, cells.clientHeight, {TOP}.map(each => {{"
        "const box = each.getBoundingClientRect();"
        "return [box.x - page.x, box.y - page.y, box.width, box.height] })] })()"
    )
    tree = report_rig.sample().tree
    assert tree
    sizes = [child.bytes for child in tree.children if child.bytes]
    expected = squarify(sizes, Box(0, 0, width, height))
    assert len(drawn) == len(expected) >= 3
    for one, other in zip(drawn, expected, strict=True):
        assert one == pytest.approx(list(other), abs=0.1)


def test_a_click_opens_a_directory_and_the_path_leads_back(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.look(1200, 900)
    browser.open(pages["sample"])
    path = "[...document.querySelectorAll('.where button')].map(each => each.textContent).join(' ')"
    assert browser.evaluate(path) == "/"
    browser.evaluate("document.querySelector('#map').scrollIntoView()")
    x, y = browser.evaluate(
        "(() => { const cell = [...document.querySelectorAll('div.cell')].find(each =>"
        " each.textContent.startsWith('f23.js')), box = cell.getBoundingClientRect();"
        "return [box.x + 4, box.y + 4] })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    assert browser.evaluate(path) == "/ app node_modules m3 lib"
    names = browser.evaluate(f"{TOP}.map(each => each.textContent)")
    assert names[0].startswith("f23.js")
    browser.evaluate("document.querySelector('.where button').click()")
    assert browser.evaluate(path) == "/"


def test_keys_alone_go_into_a_directory_and_back(browser: Browser, pages: dict[str, Path]) -> None:
    browser.look(1200, 900)
    browser.open(pages["sample"])
    label = "document.activeElement.getAttribute('aria-label')"
    assert browser.evaluate(f"{TOP}.filter(each => each.tabIndex === 0).length") == 1
    browser.evaluate("document.querySelector('.where button').focus()")
    browser.press("Tab")
    assert browser.evaluate(label).startswith("/usr · 99.92MB · ")
    browser.press("ArrowRight")
    assert browser.evaluate(label).startswith("/app · ")
    browser.press("Enter")
    assert browser.evaluate(label).startswith("/app/node_modules · ")
    assert "deps" in browser.evaluate(label)
    browser.press("Escape")
    assert browser.evaluate(label).startswith("/app · ")


def test_searches_find_files_and_packages(browser: Browser, pages: dict[str, Path]) -> None:
    browser.look(1200, 900)
    browser.open(pages["large"])
    search = (
        "(() => {{ const input = document.querySelector('input[data-table={table}]');"
        "input.value = {text}; input.dispatchEvent(new Event('input'));"
        "const rows = [...document.querySelectorAll('#{table} tbody tr')].filter(row => !row.hidden);"
        "return [rows.length, rows.map(row => row.cells[0].textContent),"
        " input.closest('.search').querySelector('.count').textContent] }})()"
    )
    assert browser.evaluate("document.querySelector('.search').offsetHeight") > 0
    rows, names, count = browser.evaluate(
        search.format(table="packages-table", text=json.dumps("SITE-PACK"))
    )
    assert 0 < rows < 30
    assert all("site-pack" in name for name in names)
    assert count == f"{rows} of 900"
    rows, names, count = browser.evaluate(
        search.format(table="files-table", text=json.dumps("locale"))
    )
    assert 5 < rows <= 200
    assert all("locale" in name for name in names)
    assert count.startswith(f"{rows} of ")
    rows, _, count = browser.evaluate(search.format(table="files-table", text='""'))
    assert (rows, count) == (50, "")
    rows, _, count = browser.evaluate(search.format(table="files-table", text='"<script>"'))
    assert (rows, count.split()[0]) == (0, "0")


def test_without_a_script_there_are_picture_list_and_tables(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.look(900, 900)
    browser.open(pages["sample"], script=False)
    try:
        assert browser.evaluate("document.querySelectorAll('svg.map rect').length") > 40
        assert (
            browser.evaluate("document.querySelector('svg.map').getBoundingClientRect().height")
            == 540
        )
        assert browser.evaluate("document.querySelector('.search').offsetHeight") == 0
        assert browser.evaluate("document.querySelectorAll('#tree li').length") > 40
        assert browser.evaluate("document.querySelectorAll('button').length") == 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_the_schemes_have_other_colors(browser: Browser, pages: dict[str, Path]) -> None:
    seen = set()
    for dark in (False, True):
        browser.look(900, 900, dark)
        browser.open(pages["sample"])
        seen.add(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert seen == {"rgb(255, 255, 255)", "rgb(17, 20, 25)"}


def test_the_legend_leaves_the_color_to_one_stage(browser: Browser, pages: dict[str, Path]) -> None:
    browser.look(1200, 900)
    browser.open(pages["sample"])
    colors = (
        "[...document.querySelectorAll('.cell.b0, .cell.s0')].map(each =>"
        " [each.classList.contains('s0'), getComputedStyle(each).backgroundColor])"
    )
    press = "document.querySelectorAll('.only')[1].click()"
    before = browser.evaluate(colors)
    browser.evaluate(press)
    pressed = browser.evaluate(colors)
    assert {color for ours, color in pressed if not ours} == {"rgb(255, 255, 255)"}
    assert {color for ours, color in pressed if ours} == {"rgb(169, 201, 242)"}
    state = "document.querySelectorAll('.only')[1].getAttribute('aria-pressed')"
    assert browser.evaluate(state) == "true"
    browser.evaluate(press)
    assert browser.evaluate(colors) == before
