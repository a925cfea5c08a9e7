"""The page itself: template, style, script and data in one file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleops.analysis.charges import SCHEMES

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent
_TENTH = 0.1


def asset(name: str) -> str:
    """Text of a file in `assets/`."""
    return (HERE / "assets" / name).read_text(encoding="utf-8")


def viewer_library() -> str:
    """Text of the vendored 3Dmol.js, safe inside a script element."""
    text = (HERE / "vendor" / "3Dmol-min.js").read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script")


def embedded_json(value: Any) -> str:
    """JSON that cannot end the script element that holds it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def templates() -> Environment:
    """Templates of `assets/`; everything they are given is escaped, and must be given."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(context: Mapping[str, Any]) -> str:
    """Render the page.

    Parameters
    ----------
    context : mapping
        What :mod:`nucleops.reporting.report` collects. Everything in it is escaped; figures come
        as markup made by :mod:`nucleops.reporting.style`.
    """
    from markupsafe import Markup

    environment = templates()
    environment.filters["number"] = number
    environment.filters["formula"] = formula
    environment.filters["round_name"] = round_name
    environment.filters["method"] = method
    environment.filters["scheme"] = scheme
    environment.filters["charge"] = charge
    environment.globals["with_error"] = with_error
    environment.globals["share_percent"] = share_percent
    environment.filters["outside_words"] = outside_words
    environment.filters["shell_words"] = shell_words
    environment.filters["duration"] = duration
    template = environment.get_template("report.html.j2")
    return template.render(
        **context,
        css=Markup(asset("report.css")),  # our own files, not anybody's input
        script=Markup(asset("report.js")),
        library=Markup(viewer_library()),
        markup=Markup,
    )


def number(value: Any, digits: int = 3) -> str:
    """A number for a table: significant digits, an en dash where there is none."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u2009")
    if isinstance(value, float):
        text = f"{value:.{digits}g}"
        text = f"{value:.0f}" if "e+" in text else text
        return text.replace("-", "\u2212", 1) if value < 0 else text
    return str(value)


def with_error(value: Any, error: Any) -> str:
    """A value with the decimals of its error: one digit of it, two where the first is a 1."""
    if value is None:
        return "–"
    if error is None or not error > 0:
        return number(float(value), 4)
    power = math.floor(math.log10(error))
    decimals = max(0, -power + (1 if error / 10.0**power < 2 else 0))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}".replace("-", "\u2212")


def share_percent(share: float, error: float | None) -> str:
    """A share in percent, to a tenth at best; weights of biased runs span many orders."""
    percent, off = 100.0 * share, 100.0 * (error or 0.0)
    if off < _TENTH and (percent < _TENTH or percent > 100.0 - _TENTH):
        return f"below {_TENTH}" if percent < _TENTH else f"above {100.0 - _TENTH}"
    return with_error(percent, max(off, _TENTH))


def duration(seconds: Any) -> str:
    """A time span as a person says it."""
    if seconds is None:
        return "–"
    s = round(float(seconds))
    if s < 60:
        return f"{float(seconds):.1f} s" if s < 10 else f"{s} s"
    if s < 3600:
        return f"{s // 60} min {s % 60:02d} s"
    return f"{s // 3600} h {s % 3600 // 60:02d} min"


def formula(text: str) -> Markup:
    """Set counts of a formula such as ``Ag2 S2 N2 C3 H8 O1`` as subscripts, without ones."""
    from markupsafe import Markup, escape

    parts = re.findall(r"([A-Z][a-z]?)(\d*)", text)
    counted = (f"{escape(e)}<sub>{n}</sub>" if n not in ("", "1") else e for e, n in parts)
    return Markup("".join(counted))  # letters and digits only


def round_name(name: str) -> str:
    """Turn ``iter-000003`` into ``3``, as in the figures; other names stay."""
    return str(int(name[5:])) if re.fullmatch(r"iter-\d+", name) else name


def method(name: str) -> str:
    """Name of a level of theory as the literature writes it."""
    return {"gfn1-xtb": "GFN1-xTB", "pbe-d3": "PBE-D3"}.get(name, name)


def outside_words(row: Mapping[str, Any]) -> str:
    """Say where a maximum lies in a reference's range, from a row of `against_references`."""
    unit = " Å" if row["unit"] == "A" else "°"
    span = f"{row['low']:g}" if row["low"] == row["high"] else f"{row['low']:g}–{row['high']:g}"
    where = "inside"
    if row["outside"]:
        side = "above" if row["outside"] > 0 else "below"
        away = f"{abs(row['outside']):.{2 if row['unit'] == 'A' else 0}f}"
        where = f"{away}{unit} {side}"
        if row["outside_in_errors"] is not None:
            where += f", {abs(row['outside_in_errors']):.0f} errors"
    return f"{span}{unit}: {where} ({row['reference']})"


def shell_words(shell: Mapping[str, Any]) -> str:
    """Say where the first peak of a radial distribution function is, and how many are in it."""
    if shell["first_peak_A"] is None:
        return "no peak"
    words = f"first peak at {shell['first_peak_A']:.2f} Å"
    if shell["coordination"] is not None:
        words += f", {shell['coordination']:.2f} neighbours in its shell"
    return words if shell["normalised"] else f"{words} (droplet: no g(r), local density only)"


def charge(row: Mapping[str, Any]) -> str:
    """A mean charge with its error; three decimals where there is none."""
    if row["error_e"]:
        return with_error(row["mean_e"], row["error_e"])
    return f"{row['mean_e']:.3f}".replace("-", "\u2212")


def scheme(name: str) -> str:
    """Name of a population analysis as the literature writes it."""
    return SCHEMES.get(name, name)
