"""Frozen models, and what else they carry: the range of their data, and with TensorFlow weights.

Compression replaces the embedding nets by tables. A training that starts from a compressed model
can adjust the fitting net only, and its result cannot be compressed again (DeePMD-kit 3.2 refuses
with "has already been compressed"). dpgen2 hands one file per model from round to round, so the
compressed file carries the frozen model it was made from, as one more constant of its graph:
LAMMPS and every other reader never evaluate it, and the next round trains from it. Compressed
PyTorch models keep their nets beside the tables and need no such thing.

It carries as well what its training data covers (:mod:`nucleops.engines.deepmd.data_range`), so
that whoever runs it can tell when a run leaves that range.

Functions for TensorFlow's models import it and are called in the worker process only.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from nucleops.engines.deepmd.data_range import DataRange
from nucleops.errors import WrongInput

WEIGHTS_NODE = "nucleops_attr/trainable_model"
"""Name of the constant that holds the frozen model before compression."""

RANGE_NODE = "nucleops_attr/data_range"
"""Name of the constant, or by its last part of the extra file, that says what the data covers."""

_MODEL_TYPE = "model_type"


def attach_weights(compressed: Path, frozen: Path, target: Path) -> None:
    """Write a compressed model that carries the frozen model it was made from.

    Parameters
    ----------
    compressed, frozen : Path
        Frozen graphs (``.pb``) after and before compression.
    target : Path
        File to write.
    """
    graph = _read(compressed)
    _add_constant(graph, WEIGHTS_NODE, _bytes(_read(frozen)))
    target.write_bytes(_bytes(graph))


def attach_range(model: Path, of: DataRange) -> None:
    """Write into a frozen model what its training data covers; read by ``carried_range``."""
    if zipfile.is_zipfile(model):
        _attach_to_archive(model, of)
        return
    graph = _read(model)
    _add_constant(graph, RANGE_NODE, of.to_bytes())
    model.write_bytes(_bytes(graph))


def trainable_weights(model: Path, target: Path) -> Path:
    """Return a frozen model that a training can start from.

    Parameters
    ----------
    model : Path
        A frozen model, compressed or not.
    target : Path
        File to write the carried weights to where ``model`` is compressed.

    Returns
    -------
    Path
        ``model`` itself if it is not compressed, else ``target``.

    Raises
    ------
    WrongInput
        If the model is compressed and carries no weights.
    """
    graph = _read(model)
    for node in graph.node:
        if node.name == WEIGHTS_NODE:
            target.write_bytes(node.attr["value"].tensor.string_val[0])
            return target
    if _constant(graph, _MODEL_TYPE) == b"compressed_model":
        raise WrongInput(
            f"{model.name} is a compressed model without the weights it was made from",
            advice="start from the frozen model as it was before compression",
        )
    return model


def _attach_to_archive(model: Path, of: DataRange) -> None:
    """Add an extra file to a PyTorch archive, not packed, so that its bytes can be searched."""
    with zipfile.ZipFile(model, "a", zipfile.ZIP_STORED) as archive:
        root = archive.namelist()[0].partition("/")[0]
        archive.writestr(f"{root}/extra/{Path(RANGE_NODE).name}", of.to_bytes())


def _add_constant(graph: Any, name: str, value: bytes) -> None:
    from deepmd.tf.env import tf

    node = graph.node.add()
    node.name = name
    node.op = "Const"
    node.attr["dtype"].type = tf.string.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype=tf.string))


def _constant(graph: Any, name: str) -> bytes | None:
    for node in graph.node:
        if node.name == name:
            return bytes(node.attr["value"].tensor.string_val[0])
    return None


def _bytes(graph: Any) -> bytes:
    """Serialise so that equal graphs give equal bytes: attributes are a map, in any order else."""
    return bytes(graph.SerializeToString(deterministic=True))


def _read(path: Path) -> Any:
    from deepmd.tf.env import tf
    from google.protobuf.message import DecodeError

    graph = tf.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except (DecodeError, OSError) as error:
        raise WrongInput(f"{path} is not a frozen TensorFlow model: {error}") from error
    return graph
