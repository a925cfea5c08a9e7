"""Frozen models, and what else they carry: the range of their data, and their weights.

Compression replaces the embedding nets by tables. A training that starts from a compressed model
can adjust the fitting net only, and its result cannot be compressed again (DeePMD-kit 3.2 refuses
with "has already been compressed"); with PyTorch it does not even start. dpgen2 hands one file per
model from round to round, so the compressed file carries the frozen model it was made from: as one
more constant of TensorFlow's graph, as an extra file of PyTorch's archive. LAMMPS and every other
reader never look at it, and the next round trains from it.

It carries as well what its training data covers (:mod:`nucleops.engines.deepmd.data_range`), so
that whoever runs it can tell when a run leaves that range.

Functions for TensorFlow's models import it and are called in the worker process only.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

from nucleops.engines.deepmd.data_range import DataRange
from nucleops.errors import WrongInput

WEIGHTS_NODE = "nucleops_attr/trainable_model"
"""Name of the constant that holds the frozen model before compression; of an extra file, the last
part."""

RANGE_NODE = "nucleops_attr/data_range"
"""Name of the constant that says what the training data covers; of an extra file, the last part."""

_MODEL_TYPE = "model_type"


def attach_weights(compressed: Path, frozen: Path, target: Path) -> None:
    """Write a compressed model that carries the frozen model it was made from.

    Parameters
    ----------
    compressed, frozen : Path
        Frozen models after and before compression.
    target : Path
        File to write.
    """
    if zipfile.is_zipfile(compressed):
        shutil.copyfile(compressed, target)
        _attach_to_archive(target, WEIGHTS_NODE, frozen.read_bytes())
        return
    graph = _read(compressed)
    _add_constant(graph, WEIGHTS_NODE, _bytes(_read(frozen)))
    target.write_bytes(_bytes(graph))


def attach_range(model: Path, of: DataRange) -> None:
    """Write into a frozen model what its training data covers; read by ``carried_range``."""
    if zipfile.is_zipfile(model):
        _attach_to_archive(model, RANGE_NODE, of.to_bytes())
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
        If the model is compressed and carries no weights; that PyTorch says itself.
    """
    if zipfile.is_zipfile(model):
        with zipfile.ZipFile(model) as archive:
            if _extra(archive, WEIGHTS_NODE) not in archive.namelist():
                return model
            target.write_bytes(archive.read(_extra(archive, WEIGHTS_NODE)))
        return target
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


def _attach_to_archive(model: Path, name: str, content: bytes) -> None:
    """Add an extra file to a PyTorch archive, not packed, so that its bytes can be searched."""
    with zipfile.ZipFile(model, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(_extra(archive, name), content)


def _extra(archive: zipfile.ZipFile, name: str) -> str:
    return f"{archive.namelist()[0].partition('/')[0]}/extra/{Path(name).name}"


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
