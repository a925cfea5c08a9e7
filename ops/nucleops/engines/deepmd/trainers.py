"""DeePMD-kit trainers that keep checkpoints by the clock and go on where they were.

A checkpoint of DeePMD-kit holds weights, the state of the optimiser and the step, from which the
learning rate follows; it does not hold where in the data the training was, and a training that is
gone on with would see the batches of its beginning again. With TensorFlow we draw the batches that
were used already and throw them away, so that the training goes on with those it would have had:
on one CPU thread its result is the uninterrupted one to the last byte. PyTorch's batches come
from threads of their own whose order nobody can repeat; a training gets others after each start.

Functions here import a backend and are called in the worker process only.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nucleops.engines.deepmd.backend import Backend
from nucleops.engines.deepmd.kept import KeptCheckpoints


@contextmanager
def kept_trainer(
    backend: Backend, kept: KeptCheckpoints, start_step: int, seed: int
) -> Iterator[None]:
    """Have DeePMD-kit's ``train`` command use a trainer that keeps its checkpoints.

    Parameters
    ----------
    backend : Backend
        Which of its trainers.
    kept : KeptCheckpoints
        When they are due, and where they go.
    start_step : int
        Step of the checkpoint that is gone on from, 0 for none.
    seed : int
        Seed of the order of the batches.
    """
    if backend.name == "pytorch":
        module, name = importlib.import_module("deepmd.pt.train.training"), "Trainer"
        trainer = _torch_trainer(module.Trainer, backend, kept)
    else:
        # not by `import ... as`: the package has a function of the module's name
        module, name = importlib.import_module("deepmd.tf.entrypoints.train"), "DPTrainer"
        trainer = _tensorflow_trainer(module.DPTrainer, backend, kept, start_step, seed)
    own = getattr(module, name)
    setattr(module, name, trainer)
    try:
        yield
    finally:
        setattr(module, name, own)


def _tensorflow_trainer(
    base: Any, backend: Backend, kept: KeptCheckpoints, start_step: int, seed: int
) -> Any:
    class KeptTrainer(base):
        def train(self, train_data: Any = None, valid_data: Any = None) -> None:
            every, n_valid = self.disp_freq, self.valid_numb_batch
            data = at_step(start_step, train_data, valid_data, every, n_valid, seed)
            super().train(data, valid_data)

        def save_checkpoint(self, cur_batch: int) -> None:
            if kept.due(cur_batch):
                super().save_checkpoint(cur_batch)
                kept.keep(cur_batch, backend.checkpoint_files(cur_batch, Path()))

    return KeptTrainer


def _torch_trainer(base: Any, backend: Backend, kept: KeptCheckpoints) -> Any:
    class KeptTrainer(base):
        def save_model(self, save_path: Any, lr: float = 0.0, step: int = 0, **how: Any) -> None:
            super().save_model(save_path, lr=lr, step=step, **how)
            done = step + 1  # it counts from zero, and names the file by the steps done
            if kept.due(done):
                kept.keep(done, backend.checkpoint_files(done, Path()))

    return KeptTrainer


def at_step(
    step: int, train_data: Any, valid_data: Any, every: int, n_valid: int, seed: int
) -> Any:
    """Bring the data of a TensorFlow training to where it was after some steps.

    ``DPTrainer.train`` draws one batch to learn what is in it, then one for each step ahead of
    the step before, and ``n_valid`` held-out ones for each row of the learning curve, all from one
    generator. It draws the first one after every start.

    Parameters
    ----------
    step : int
        Steps done, a multiple of ``every``; 0 at the beginning.
    train_data, valid_data : DeepmdDataSystem
        What is trained on and held out; the latter may be None.
    every : int
        Steps between rows of the learning curve.
    n_valid : int
        Held-out batches of a row.
    seed : int
        Seed of the order of the batches.

    Returns
    -------
    object
        ``train_data``, or what stands for it where steps were done.
    """
    from deepmd.utils import random

    for data in filter(None, (train_data, valid_data)):
        _rewind(data)
    # Seeded again, since the statistics of the data, which a first start takes, draw batches too.
    random.seed([0, seed % 2**32])
    if step == 0:
        return train_data
    batch = train_data.get_batch()
    for k in range(step):
        batch = train_data.get_batch()
        if k % every == 0 and valid_data is not None:
            for _ in range(n_valid):
                valid_data.get_batch()
    return _WithoutFirstDraw(train_data, batch)


def _rewind(data: Any) -> None:
    for system in data.data_systems:
        system.iterator = system.set_count = 0
        system.__dict__.pop("batch_set", None)


class _WithoutFirstDraw:
    """Data whose first batch is given, and draws nothing."""

    def __init__(self, data: Any, first: Any) -> None:
        self._data = data
        self._first = first

    def get_batch(self) -> Any:
        if self._first is None:
            return self._data.get_batch()
        first, self._first = self._first, None
        return first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)
