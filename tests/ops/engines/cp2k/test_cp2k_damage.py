"""Twelve hundred damaged outputs: none gives another label, none another error than ours."""

from __future__ import annotations

import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.cp2k.aimd_frames import read_aimd
from nucleops.engines.cp2k.series import read_series
from nucleops.engines.cp2k.single_point import read_single_point
from nucleops.errors import NucleoError

LEVELS = ("xtb", "pbe")
N_SINGLE, N_AIMD, N_SERIES = 300, 200, 200  # the first two for each level: 1,200 in all
ENERGY_EV, FORCE_EV_A, POSITION_A = 1e-8, 1e-6, 1e-5
"""How far an accepted frame may be from the truth."""


def same(frame, true) -> bool:
    """Whether a frame is the one that CP2K computed."""
    return (
        abs(frame.energy_eV - true.energy_eV) <= ENERGY_EV
        and np.abs(frame.forces_eV_A - true.forces_eV_A).max() <= FORCE_EV_A
        and np.abs(frame.system.positions - true.system.positions).max() <= POSITION_A
        and frame.step == true.step
        and frame.system.symbols == true.system.symbols
    )


def rng_of(*words: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(words).encode()))


@pytest.mark.parametrize("level", LEVELS)
def test_single_points(level, made, output, damage, tmp_path):
    system = made.methanol(periodic=level == "pbe")
    text = output(f"{level}-single.out")
    others = [output(f"{other}-single.out") for other in LEVELS if other != level]
    others += [output(f"{level}-aimd.out"), output("unconverged-aimd.out")]
    path = tmp_path / "out"
    path.write_bytes(text)
    true = read_single_point(path, system, level=made.LEVELS[level])
    refused: Counter[str] = Counter()
    for number in range(N_SINGLE):
        how = damage.DAMAGES[number % len(damage.DAMAGES)]
        path.write_bytes(how(text, others, rng_of("single", level, number)))
        try:
            frame = read_single_point(path, system, level=made.LEVELS[level])
        except NucleoError as error:
            refused[error.kind] += 1
        else:
            assert same(frame, true), (number, how.__name__)
    assert refused["SCF not converged"] >= N_SINGLE // len(damage.DAMAGES)
    # damage in lines that nothing is read from changes no label
    assert N_SINGLE / 2 < sum(refused.values()) < N_SINGLE


@pytest.mark.parametrize("level", LEVELS)
def test_aimd(level, made, output, damage, aimd_folder):
    folder, system = aimd_folder(level), made.methanol(periodic=level == "pbe")
    names = {"aimd.out": "aimd.out", "label-pos-1.xyz": "pos.xyz", "label-frc-1.xyz": "frc.xyz"}
    whole = {name: (folder / name).read_bytes() for name in names}
    theory = made.LEVELS[level]
    true = {frame.step: frame for frame in read_aimd(folder, system, level=theory).frames}
    assert sorted(true) == list(range(made.STEPS[level] + 1))
    accepted = 0
    for number in range(N_AIMD):
        rng = rng_of("aimd", level, number)
        name = [*names][rng.integers(3)]
        how = damage.DAMAGES[number % len(damage.DAMAGES)]
        others = [output(f"{other}-{names[name]}") for other in LEVELS if other != level]
        others += [output("unconverged-aimd.out" if name == "aimd.out" else "xtb-frc.xyz")]
        (folder / name).write_bytes(how(whole[name], others, rng))
        try:
            frames = read_aimd(folder, system, level=theory).frames
        except NucleoError:
            frames = []
        for frame in frames:
            assert frame.step in true, (number, how.__name__, name)
            assert same(frame, true[frame.step]), (number, how.__name__, name, frame.step)
        assert len({frame.step for frame in frames}) == len(frames)
        accepted += len(frames)
        (folder / name).write_bytes(whole[name])
    # what is whole around the damage is kept
    assert accepted > N_AIMD * len(true) / 4


def test_series(made, output, damage, series_folder):
    folder, systems, theory = series_folder, made.distorted(made.SERIES), made.LEVELS["xtb"]
    names = {
        "series.out": "series.out",
        "label-pos-1.xyz": "series-pos.xyz",
        "label-frc-1.xyz": "series-frc.xyz",
    }
    whole = {name: (folder / name).read_bytes() for name in names}
    true, _ = read_series(folder, systems, level=theory)
    assert len(true) == len(systems)
    accepted = 0
    for number in range(N_SERIES):
        rng = rng_of("series", number)
        name = [*names][rng.integers(3)]
        how = damage.DAMAGES[number % len(damage.DAMAGES)]
        others = [output("xtb-aimd.out" if name == "series.out" else "xtb-frc.xyz")]
        others += [output("unconverged-aimd.out" if name == "series.out" else "xtb-pos.xyz")]
        (folder / name).write_bytes(how(whole[name], others, rng))
        try:
            frames, _ = read_series(folder, systems, level=theory)
        except NucleoError:
            frames = {}
        for index, frame in frames.items():
            assert same(frame, true[index]), (number, how.__name__, name, index)
        accepted += len(frames)
        (folder / name).write_bytes(whole[name])
    assert accepted > N_SERIES * len(true) / 4


def test_files_of_different_runs_do_not_mix(made, output, aimd_folder):
    """A trajectory that was written over by another try at the same system."""
    folder, system = aimd_folder("xtb"), made.methanol(periodic=False)
    path = Path(folder) / "aimd.out"
    path.write_bytes(output("unconverged-aimd.out"))
    assert not read_aimd(folder, system).frames
