"""What checkpoints cost a run of the article's box of thirty dimers (about 11,700 atoms).

The box is really packed, run by the real LAMMPS and kept in a folder, but no force is computed and
next to nothing moves: what a checkpoint costs does not depend on how long a step takes, and many
of them can be measured in a minute. Three costs are told apart:

- what LAMMPS spends on a checkpoint on its own disk: the loop's time with and without them, in
  turns. The neighbour lists that it rebuilds for each count in full, though a run whose atoms move
  rebuilds them far more often anyway;
- what our process spends in its background thread on a checkpoint that is stored: CPU time, of
  which a part does not depend on the size (the state) and a part does (the increment);
- bytes.

They are added up as if nothing ran beside anything, for a step of 1 s (two cores) and one of 5 ms
(a GPU), and given as a share of the default interval::

    .venv/bin/python benchmarks/checkpoint_overhead.py
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.engines.keeping import DEFAULT_INTERVAL_S, Keeping
from nucleops.engines.lammps import inputs, md
from nucleops.engines.lammps.keeping import with_cadence
from nucleops.engines.lammps.program import find_lammps
from nucleops.engines.lammps.settings import MdSettings, Trust
from nucleops.storage.checkpoints import CheckpointStore
from nucleops.storage.folder import FolderStore
from nucleops.systems.packing import build_system
from nucleops.systems.spec import Box, Content, SystemSpec
from nucleops.systems.system import System

STRIDE = 200  # the study ag6's
STEPS = 12_000
TURNS = 2
INTERVALS_S = (0.2, 2.0)
STEP_S = {"two cores, 1 s a step": 1.0, "GPU, 5 ms a step": 0.005}


@dataclasses.dataclass
class Stored:
    """CPU seconds and bytes of checkpoints as they are stored."""

    seconds: list[float] = dataclasses.field(default_factory=list)
    state_bytes: list[int] = dataclasses.field(default_factory=list)
    increment_bytes: list[int] = dataclasses.field(default_factory=list)

    def timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Add a method's CPU time to the last entry, and what it packed."""

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            begun = time.thread_time()
            result = method(*args, **kwargs)
            spent = time.thread_time() - begun
            if method.__name__ == "pack":
                self.seconds.append(spent)
                self.state_bytes.append(result.state.stat().st_size)
                size = 0 if result.increment is None else result.increment.stat().st_size
                self.increment_bytes.append(size)
            else:
                self.seconds[-1] += spent
            return result

        return wrapper


def box() -> System:
    """Pack thirty dimers and methanol into a cube of 5 nm."""
    contents = (Content(motif="dimer", count=30), Content(motif="methanol", count="fill"))
    spec = SystemSpec(contents=contents, box=Box(shape="cube", edge_A=50.0))
    return build_system("thirty-dimers", spec, metal="Ag", seed=1)


def loop_s(system: System, folder: Path, settings: MdSettings, keeping: Keeping | None) -> float:
    """Run the box; return the CPU seconds of LAMMPS' loop."""
    model = folder.parent / "none.pb"
    model.write_bytes(b"")
    done = md.run_md(system, [model], settings, Trust(), folder, 5, keeping=keeping)
    assert done.steps_run == settings.steps, done.reason
    text = (folder / "log.lammps").read_text()
    wall = re.search(r"Loop time of (\S+)", text)
    share = re.search(r"(\S+)% CPU use", text)
    assert wall is not None
    assert share is not None
    return float(wall[1]) * float(share[1]) / 100


def main() -> None:
    """Measure, and print the shares."""
    stored = Stored()
    CheckpointStore.pack = stored.timed(CheckpointStore.pack)  # type: ignore[method-assign]
    CheckpointStore.save = stored.timed(CheckpointStore.save)  # type: ignore[method-assign]
    inputs._pair_style = lambda *_: "pair_style zero 6.0\npair_coeff * *"  # type: ignore[assignment]
    program = find_lammps()
    plain = {k: v for k, v in program.environment.items() if k != "LAMMPS_PLUGIN_PATH"}
    md.find_lammps = lambda: dataclasses.replace(program, environment=plain)  # type: ignore[assignment]
    system = box()
    settings = MdSettings(steps=STEPS, stride=STRIDE, temperature_K=1e-6)
    cadence = with_cadence(settings, hills=False).checkpoint_steps
    bare, kept = [], []
    with tempfile.TemporaryDirectory() as name:
        for turn in range(TURNS):
            folder = Path(name) / str(turn)
            folder.mkdir()
            bare.append(loop_s(system, folder / "bare", settings, None))
            for interval_s in INTERVALS_S:
                keeping = Keeping(FolderStore(folder / f"store-{interval_s}"), "box", interval_s)
                kept.append(loop_s(system, folder / f"kept-{interval_s}", settings, keeping))
    # the least disturbed turns
    local_s = (min(kept) - min(bare)) / (STEPS / cadence)
    sizes = np.array(stored.increment_bytes) / 1e6
    per_MB, fixed_s = np.polyfit(sizes, stored.seconds, 1)
    print(
        f"{system.n_atoms} atoms; a checkpoint every {cadence} steps, {len(sizes)} of them stored"
    )
    print(f"LAMMPS, each written:    {1000 * local_s:.1f} ms")
    print(f"background, each stored: {1000 * fixed_s:.0f} ms, and {1000 * per_MB:.1f} ms a MB")
    print(f"state: {np.median(stored.state_bytes) / 1e6:.2f} MB")
    frame_MB = float(sizes.sum()) * STRIDE / (STEPS * len(kept))
    for what, step_s in STEP_S.items():
        steps = DEFAULT_INTERVAL_S / step_s
        increment_MB = steps / STRIDE * frame_MB
        cost = steps / cadence * local_s + fixed_s + per_MB * increment_MB
        share = f"{100 * cost / DEFAULT_INTERVAL_S:.2f} %"
        print(f"{what}: {cost:.2f} s in {DEFAULT_INTERVAL_S:g} s, {share}; {increment_MB:.0f} MB")


if __name__ == "__main__":
    main()
