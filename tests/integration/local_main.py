"""What ``nucleoflow run`` does once it has read the study, for workflows that are not studies."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nucleoflow.backends.local.run import RunRequest, start_run
from nucleoflow.cli.follow import follow

if __name__ == "__main__":
    root, builder, options = sys.argv[1:]
    request = RunRequest(
        name="test",
        study="name: test\n",
        digest="",
        builder=f"local_ops:{builder}",
        cores=2,
        gpus=0,
        options=json.loads(options),
    )
    sys.exit(follow(start_run(request, Path(root)), plain=True))
