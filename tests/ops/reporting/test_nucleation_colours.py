"""A replica has one colour in all figures, whatever the order it is drawn in."""

from __future__ import annotations

from nucleops.reporting.nucleation_figures import _colours


def test_colours_follow_the_replicas_not_their_success() -> None:
    replicas = [{"name": f"replica-{k:03d}", "largest": 8 - k} for k in range(3)]
    colours = _colours({"replicas": replicas})
    assert len(set(colours.values())) == 3
    assert colours == _colours({"replicas": [{**r, "largest": 2} for r in replicas]})
