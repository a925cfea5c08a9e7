"""The report in a real browser: it opens without errors, with and without scripts and WebGL."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import synthetic

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from nucleops.reporting.report import write_report

    root = tmp_path_factory.mktemp("browser")
    folders = dict(synthetic.make_all(root / "stages", small=True))
    write_report(root / "report", synthetic.STUDY, folders, synthetic.PROVENANCE)
    return root / "report" / "report.html"


def browse(page: Path, *options: str) -> tuple[str, list[str]]:
    """Return the DOM after the page's scripts ran, and what the console said."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "chromium is missing; `make setup` installs it"
    command = [
        chromium,
        "--headless=new",
        "--no-sandbox",
        "--enable-logging=stderr",
        "--virtual-time-budget=5000",
        f"--user-data-dir={page.parent / 'profile'}",
        *options,
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console


def test_structures_rotate_and_the_console_is_silent(html: Path) -> None:
    dom, console = browse(html, "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
    assert console == []
    assert 'data-state="rotatable"' in dom
    assert "<canvas" in dom
    assert "last trusted frame" in dom.split('id="structure-note"')[1][:200]


def test_pictures_stand_in_where_webgl_is_missing(html: Path) -> None:
    dom, console = browse(html, "--disable-gpu", "--disable-3d-apis")
    assert console == []
    assert 'data-state="pictures"' in dom
    assert "<canvas" not in dom.split('id="viewer"')[1].split("</section>")[0]


def test_page_is_whole_in_a_sandboxed_frame(html: Path) -> None:
    """As the Argo UI shows it: an opaque origin, no storage."""
    outer = html.parent / "outer.html"
    outer.write_text('<iframe sandbox="allow-scripts" src="report.html"></iframe>')
    _, console = browse(outer, "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
    assert console == []
