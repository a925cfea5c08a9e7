"""The page: every section, nothing loaded from elsewhere, everything escaped."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import synthetic
from nucleops.errors import WrongInput
from nucleops.reporting import page, sections
from nucleops.reporting.report import write_report
from nucleops.reporting.style import inline_svg

SECTIONS = (
    *("glance", "trust", "run", "learning", "metad", "unbiased", "nucleate", "charges"),
    "structures",
)


class Page(HTMLParser):
    """Collects what a browser would load, ids, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.fragments: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [v for k, v in attrs if k == "id" and v]
        for name in ("src", "href", "xlink:href", "data", "action", "srcset"):
            value = given.get(name)
            if value and value.startswith("#"):
                self.fragments.append(value[1:])
            elif value:
                self.loads.append(value)
        if tag == "svg" and given.get("role") == "img":
            self.images.append(given)


def test_page_has_every_section_with_content(report: Path) -> None:
    text = (report / "report.html").read_text()
    for name in SECTIONS:
        section = re.search(rf'<section id="{name}">(.*?)</section>', text, re.DOTALL)
        assert section is not None, name
        assert len(re.sub(r"<[^>]+>", "", section.group(1)).strip()) > 80, name
    figures = {"trust": 1, "learning": 6, "metad": 4, "unbiased": 3, "nucleate": 5, "charges": 1}
    for stage, n in figures.items():
        section = re.search(rf'<section id="{stage}">(.*?)</section>', text, re.DOTALL)
        assert section is not None
        assert section.group(1).count("<figure") == n


def test_charges_and_structure_have_their_numbers_in_tables(report: Path) -> None:
    text = (report / "report.html").read_text()
    charges = text.split('<section id="charges">')[1].split("</section>")[0]
    assert "DDEC6 charge of Ag falls by 0." in charges
    row = r"<td class=\"name\">DDEC6</td><td>Ag</td><td>cluster</td>.*0\.5\d+ ± 0\."
    assert re.search(row, charges)
    structure = text.split('<section id="unbiased">')[1].split("</section>")[0]
    assert "<td>own ligand</td>" in structure
    assert "2.85–3.15 Å: inside (crystal 1 (invented))" in structure
    assert "Ag-S: first peak at 2." in structure


def test_charges_are_not_mentioned_where_there_are_none(
    stages: dict[str, Path], tmp_path: Path
) -> None:
    out = write_report(tmp_path / "report", synthetic.STUDY, {"learning": stages["learning"]}, {})
    assert "Atomic charges" not in (out / "report.html").read_text()


def test_page_loads_nothing(report: Path) -> None:
    parsed = Page((report / "report.html").read_text())
    # what a data URI says is in the page itself
    assert [x for x in parsed.loads if not x.startswith("data:")] == []
    css = page.asset("report.css")
    assert "url(" not in css
    assert "@import" not in css


def test_ids_are_unique_and_links_lead_somewhere(report: Path) -> None:
    parsed = Page((report / "report.html").read_text())
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(parsed.fragments) <= set(parsed.ids)


def test_figures_have_alternatives_and_files(report: Path) -> None:
    parsed = Page((report / "report.html").read_text())
    assert all(image["aria-label"] for image in parsed.images)
    names = {p.stem for p in (report / "figures").glob("*.svg")}
    assert names == {p.stem for p in (report / "figures").glob("*.png")}
    assert {"metad_surface", "learning_parity", "learning_curves"} <= names
    assert "structure_densities" in names
    # Pictures inside inline figures would be blocked where a page is shown in a strict sandbox.
    assert "<image" not in (report / "report.html").read_text()
    mentioned = set(re.findall(r"data/[\w.-]+\.csv", (report / "report.html").read_text()))
    assert mentioned == {f"data/{p.name}" for p in (report / "data").iterdir()}


def test_first_line_says_what_is_not_converged(report: Path) -> None:
    text = (report / "report.html").read_text()
    for stage, words in (("metad", "Not converged after"), ("unbiased", "A first impression only")):
        after = text.split(f'<section id="{stage}">')[1]
        verdict = re.search(r"<b>(.*?)</b>", after)
        assert verdict is not None
        assert verdict.group(1).startswith(words)
    assert "1 of 3 replicas did not finish and is left out" in text
    assert "trust ended: model deviation of 1.15 eV/A on Ag 3 exceeds 1.0 eV/A" in text
    assert "lowest_CO" in text


def test_errors_on_held_out_frames_are_told(report: Path) -> None:
    text = (report / "report.html").read_text()
    table = text.split("Errors of the production potential on held-out frames")[1]
    table = table.split("</table>")[0]
    assert "energy MAE" in table
    assert table.count("<tr>") == 9  # head, all, one composition, six elements
    assert "Held out are 1 of 9 trajectories as a whole (dimer-300K); the last 3 frames" in text


def test_every_named_run_is_shown(stages: dict[str, Path], tmp_path: Path) -> None:
    folders: dict[str, list[Path]] = {"learning": [stages["learning"]]}
    for stage in ("metad", "unbiased"):
        folders[stage] = []
        for name in ("first", "second"):
            shutil.copytree(stages[stage], tmp_path / f"{stage}-{name}")
            summary = tmp_path / f"{stage}-{name}" / "summary.json"
            summary.write_text(json.dumps(json.loads(summary.read_text()) | {"name": name}))
            folders[stage].append(summary.parent)
    out = write_report(tmp_path / "report", synthetic.STUDY, folders, {})
    text = (out / "report.html").read_text()
    parsed = Page(text)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(parsed.fragments) <= set(parsed.ids)
    for name in ("first", "second"):
        assert f'<h3 class="part" id="metad_{name}">{name}</h3>' in text
        assert f"Free energy: {name}" in text  # its card
        assert f"metadynamics: {name}, walker-000" in text  # its run
        assert f"{name}, unbiased run" in text  # its structure
        for figure in ("metad_surface", "metad_series", "structure_densities", "structure_series"):
            assert (out / f"figures/{figure}_{name}.svg").is_file()
        assert f"{name}: Kernel density estimates" in text
    assert text.split('<section id="metad">')[1].split("</section>")[0].count('class="verdict') == 2


def test_names_of_runs_are_told_apart(stages: dict[str, Path]) -> None:
    results = sections.read_results({"unbiased": [stages["unbiased"], stages["unbiased"]]})
    assert [r.id for r in results["unbiased"]] == ["unbiased_run-1", "unbiased_run-2"]
    assert sections.level(results["unbiased"]) == "caution"
    assert sections.level(results["metad"]) == "missing"


@pytest.mark.parametrize(
    ("study", "title"),
    [
        ({"name": "n", "title": "t", "report": {"title": "r"}}, "r"),
        ({"name": "n", "title": "t"}, "t"),
        ({"name": "n"}, "n"),
    ],
)
def test_title_is_the_most_specific_one(study: dict[str, Any], title: str, tmp_path: Path) -> None:
    text = (write_report(tmp_path / "r", study, {}, {}) / "report.html").read_text()
    assert f"<h1>{title}</h1>" in text


def test_study_is_escaped(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    study = {"name": evil, "report": {"title": evil}}
    write_report(tmp_path / "r", study, {}, {"run_id": evil, "versions": {evil: evil}})
    text = (tmp_path / "r/report.html").read_text()
    assert "<script>alert" not in text
    assert page.embedded_json({"a": evil}).count("<") == 0


def test_report_of_nothing_says_so(tmp_path: Path) -> None:
    text = (write_report(tmp_path / "r", {}, {"metad": None}, {}) / "report.html").read_text()
    assert text.count("This stage was not run, or did not finish.") == 8  # cards and sections


def test_missing_summary_is_named(tmp_path: Path) -> None:
    (tmp_path / "metad").mkdir()
    with pytest.raises(WrongInput, match=r"metad/summary.json"):
        write_report(tmp_path / "r", {}, {"metad": tmp_path / "metad"}, {})


def test_vendored_library_is_the_stated_one() -> None:
    vendor = page.HERE / "vendor"
    digest = hashlib.sha256((vendor / "3Dmol-min.js").read_bytes()).hexdigest()
    assert digest in (vendor / "README.md").read_text()
    assert "</script" not in page.viewer_library()


def test_formulas_and_names() -> None:
    assert page.formula("Ag2 S2 C10 O1") == "Ag<sub>2</sub>S<sub>2</sub>C<sub>10</sub>O"
    assert page.formula("<b>") == ""
    assert page.round_name("iter-000012") == "12"
    assert page.method("gfn1-xtb") == "GFN1-xTB"


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(3.0712, 0.0042, "3.071 ± 0.004"), (-3.29, 1.2, "\u22123.3 ± 1.2"), (59.2, None, "59.2")],
)
def test_values_have_the_decimals_of_their_error(
    value: float, error: float | None, text: str
) -> None:
    assert page.with_error(value, error) == text


@pytest.mark.parametrize(
    ("share", "error", "text"),
    [
        (1.0, 3e-11, "above 99.9"),
        (1e-9, None, "below 0.1"),
        (0.99999, 0.004, "100.0 ± 0.4"),
        (0.25, 1e-6, "25.00 ± 0.10"),
        (0.25, 0.03, "25 ± 3"),
    ],
)
def test_shares_are_told_to_a_tenth_of_a_percent(
    share: float, error: float | None, text: str
) -> None:
    assert page.share_percent(share, error) == text


def test_inline_figure_takes_the_pages_colour() -> None:
    svg = (
        '<?xml version="1.0"?><svg viewBox="0 0 5 5" width="5pt"><g id="a" style="fill:#1b1f24"/>'
        '<use xlink:href="#a"/></svg>'
    )
    made = inline_svg(svg, "fig", 'say "x"')
    assert 'id="fig-a"' in made
    assert 'href="#fig-a"' in made
    assert "currentColor" in made
    assert "&quot;x&quot;" in made
