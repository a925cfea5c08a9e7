"""One attempt at a training step, as a process that can be killed: ``train_main.py FOLDER``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from dflow.python import OPIO, FatalError, TransientError

from nucleops.train import RunTrain


def main(folder: Path) -> int:
    """Run the operator as dflow does; 1 for a failure that is retried, 2 for one that is not."""
    os.chdir(folder)
    inputs = json.loads(Path("inputs.json").read_text())
    ip = OPIO(
        {
            "config": {},
            "task_name": "task.0000",
            "optional_parameter": RunTrain.default_optional_parameter,
            "task_path": Path("task"),
            "init_model": inputs["init_model"] and Path(inputs["init_model"]),
            "init_data": [Path(path) for path in inputs["data"]],
            "iter_data": [],
            "valid_data": None,
            "optional_files": None,
        }
    )
    try:
        RunTrain().execute(ip)
    except TransientError as error:
        print(error, file=sys.stderr)
        return 1
    except FatalError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
