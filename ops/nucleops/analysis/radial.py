"""Radial distribution functions through MDAnalysis, counted while a trajectory is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.in_blocks import Blocks
from nucleops.analysis.settings import RadialSettings
from nucleops.errors import WrongInput
from nucleops.systems.system import System

_DRAWS = 200


@dataclass(frozen=True)
class Radial:
    """How atoms of one element lie around those of another.

    Attributes
    ----------
    pair : str
        Such as ``Ag-O``: O around Ag.
    r : ndarray
        Middle of each bin in A, shape (n,).
    g, g_error : ndarray
        Radial distribution function and its standard error; nan in a droplet, which has no density
        of its own to compare with.
    local, local_error : ndarray
        Density of the second element around an atom of the first, in 1/A^3, with standard error.
    coordination : ndarray
        Mean number of the second around one of the first, up to the end of each bin.
    n_first, n_second : int
        Atoms of either element.
    n_frames, n_blocks : int
        Frames, and blocks of the bootstrap.
    """

    pair: str
    r: FloatArray
    g: FloatArray
    g_error: FloatArray
    local: FloatArray
    local_error: FloatArray
    coordination: FloatArray
    n_first: int
    n_second: int
    n_frames: int
    n_blocks: int

    def first_shell(self) -> tuple[float, float | None]:
        """Return where the first peak is, and the coordination number of its shell.

        Returns
        -------
        peak_A : float
            The first maximum that is at least a fifth of the highest; nan where there is none.
        number : float or None
            Neighbours up to the minimum behind it; None where the function does not fall to half.
        """
        from scipy.signal import find_peaks

        y = np.nan_to_num(self.local)
        peaks, _ = find_peaks(np.concatenate([[0], y]), prominence=0.2 * y.max(initial=0.0))
        if not len(peaks) or not y.max() > 0:
            return float("nan"), None
        first = int(peaks[0]) - 1
        next_peak = int(peaks[1]) - 1 if len(peaks) > 1 else len(y)
        dip = first + int(np.argmin(y[first:next_peak]))
        number = float(self.coordination[dip]) if y[dip] < 0.5 * y[first] else None
        return float(self.r[first]), number


class RadialTally:
    """Counts distances between atoms of two elements with MDAnalysis's ``InterRDF``.

    Parameters
    ----------
    topology : System
        The atoms.
    cell : array_like
        Edges of the first frame, shape (3,), in A.
    settings : RadialSettings
        Pairs, range and bins.

    Raises
    ------
    WrongInput
        A pair names an element that is not there, or that is there once and with itself.
    """

    def __init__(self, topology: System, cell: ArrayLike, settings: RadialSettings) -> None:
        self._topology = topology
        self._periodic = topology.periodic
        self.pairs = _pairs(topology, settings)
        far = settings.max_A
        if self._periodic:
            # beyond half an edge the nearest image is not the only neighbour
            far = min(far, float(np.min(cell)) / 2)
        self._edges = np.linspace(0.0, far, max(1, round(far / settings.bin_A)) + 1)
        self._blocks = Blocks()
        symbols = np.array(topology.symbols)
        self._atoms = np.flatnonzero(np.isin(symbols, "-".join(self.pairs).split("-")))
        self._symbols = symbols[self._atoms]
        self._universe: Any = None

    def add(self, positions: ArrayLike, cells: ArrayLike) -> None:
        """Take in frames: positions (F, N, 3) and edges (F, 3), in A.

        Raises
        ------
        WrongInput
            The cell has shrunk below twice the largest distance.
        """
        edges = np.asarray(cells)
        if self._periodic and self.pairs and np.min(edges) / 2 < self._edges[-1] - 1e-9:
            raise WrongInput(
                f"the cell shrinks to {np.min(edges):.3f} A, less than twice the largest distance "
                f"of the radial distribution functions, {self._edges[-1]:.3f} A",
                advice="allow less: max_A, or --rdf-max",
            )
        x = np.asarray(positions, dtype=np.float64)[:, self._atoms]
        if not self.pairs:
            return
        for piece in self._blocks.pieces(len(x)):
            self._load(x[piece], edges[piece])
            self._blocks.add([self._count(pair) for pair in self.pairs])

    def _load(self, x: FloatArray, cells: FloatArray) -> None:
        import MDAnalysis

        if self._universe is None:
            self._universe = MDAnalysis.Universe.empty(len(self._atoms))
        box = np.hstack([cells, np.full((len(cells), 3), 90.0)]) if self._periodic else None
        self._universe.load_new(x.astype(np.float32), order="fac", dimensions=box)

    def _count(self, pair: str) -> FloatArray:
        """Count distances in each bin, and last the frames' volumes, over the loaded frames."""
        from MDAnalysis.analysis.rdf import InterRDF

        first, second = (self._universe.atoms[self._symbols == s] for s in pair.split("-"))
        rdf = InterRDF(
            first,
            second,
            nbins=len(self._edges) - 1,
            range=(0.0, float(self._edges[-1])),
            norm="rdf" if self._periodic else "none",
            # an atom is not its own neighbour
            exclusion_block=(1, 1) if first == second else None,
        ).run()
        volume = rdf.results.volume_cum if self._periodic else 0.0
        return np.append(rdf.results.count, volume)

    def radials(self, n_blocks: int) -> list[Radial]:
        """Make the functions, with errors over so many consecutive blocks."""
        if not self.pairs:
            return []
        sums, frames = self._blocks.grouped(max(1, self._blocks.n_frames // n_blocks))
        return [self._radial(pair, sums[:, k], frames) for k, pair in enumerate(self.pairs)]

    def _radial(self, pair: str, sums: FloatArray, frames: IntArray) -> Radial:
        a, b = (int(np.sum(self._symbols == s)) for s in pair.split("-"))
        shells = 4 / 3 * np.pi * np.diff(self._edges**3)
        n = len(sums)
        rng = np.random.default_rng(0)
        shares = np.vstack([np.ones(n), rng.multinomial(n, [1 / n] * n, _DRAWS if n > 1 else 0)])
        total, drawn = shares @ sums, (shares @ frames)[:, None]
        local = total[:, :-1] / drawn / a / shells
        partners = b - 1 if len(set(pair.split("-"))) == 1 else b
        mean_volume = total[:, -1:] / drawn
        g = local * mean_volume / partners if self._periodic else np.full(local.shape, np.nan)
        unknown = np.full(len(shells), np.nan)
        g_error, local_error = (v[1:].std(axis=0, ddof=1) if n > 1 else unknown for v in (g, local))
        return Radial(
            pair,
            (self._edges[1:] + self._edges[:-1]) / 2,
            g[0],
            g_error,
            local[0],
            local_error,
            np.cumsum(total[0, :-1]) / drawn[0] / a,
            a,
            b,
            int(frames.sum()),
            n,
        )


def _pairs(topology: System, settings: RadialSettings) -> tuple[str, ...]:
    """Return the pairs asked for, or those of the metal."""
    there = {s: topology.symbols.count(s) for s in dict.fromkeys(topology.symbols)}
    if settings.pairs is None:
        metal = topology.metal
        wanted = [f"{metal}-{s}" for s in (metal, "S", "N", "O")]
        return tuple(p for p in wanted if _possible(p, there))
    for pair in settings.pairs:
        if not _possible(pair, there):
            found = ", ".join(f"{n} {s}" for s, n in there.items())
            raise WrongInput(f"radial distribution function {pair}: there is no such pair; {found}")
    return settings.pairs


def _possible(pair: str, there: dict[str, int]) -> bool:
    a, b = pair.split("-")
    return there.get(a, 0) > 1 if a == b else bool(there.get(a) and there.get(b))
