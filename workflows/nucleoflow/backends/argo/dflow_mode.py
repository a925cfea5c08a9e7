"""dflow's global settings while a workflow is rendered: nothing of yours gets into it.

dflow writes all of ``config`` and ``s3_config`` into every script, takes both from the environment,
names templates at random, and uploads values, empty lists and its own source code while it builds
a workflow. Inside :func:`leak_free_dflow` it has settings of this module only, counts instead of
throwing dice, and gives what it would upload to a :class:`Recorder`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from nucleoflow.profile.model import ClusterProfile

CATALOGUE = ".dflow"
"""Folder in an artifact in which dflow keeps the order of its parts."""
RANDOM = "rnd"
"""Begins what stands for dflow's random parts of names; :mod:`.names` takes them out again."""

IN_PODS: dict[str, Any] = {
    "mode": "default",
    "catalog_dir_name": CATALOGUE,
    "save_path_as_parameter": False,
    "register_tasks": False,
    "detect_empty_dir": True,
    "dereference_symlink": False,
}
"""Settings that scripts read when they run, whatever the environment of the image says."""

_WHILE_RENDERING: dict[str, Any] = {
    **IN_PODS,
    "host": "https://argo.invalid",
    "token": None,
    "k8s_config_file": None,
    "k8s_api_server": None,
    "private_key_host_path": None,
    "archive_mode": "tar",
    "extender_image": "",
    "extender_image_pull_policy": None,
    "dispatcher_image": "",
    "dispatcher_image_pull_policy": None,
    "save_keys_in_global_outputs": False,
    "lineage": None,
    "http_headers": {},
    "workflow_annotations": {},
    "overwrite_reused_artifact": False,
    "detach": False,
    "debug_copy_method": "symlink",
    "debug_pool_workers": None,
    "debug_batch_size": None,
    "debug_batch_interval": 30,
    "artifact_register": {},
    "debug_s3": False,
    "debug_workdir": ".",
    "debug_artifact_dir": ".",
    "debug_failfast": False,
    "debug_save_copy_method": "symlink",
    "raise_for_group": False,
    "dispatcher_debug": False,
}

_STORE_WHILE_RENDERING: dict[str, Any] = {
    "endpoint": "s3.invalid",
    "console": "",
    "access_key": None,
    "secret_key": None,
    "secure": True,
    "bucket_name": "",
    "repo_key": None,
    "repo": None,
    "repo_type": "s3",
    "repo_prefix": "",
    "extra_prefixes": [],
}


class Recorder:
    """A storage client of dflow's that keeps what it is to upload.

    Attributes
    ----------
    objects : dict
        Key to content, in the order of the uploads.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def upload(self, key: str, path: str) -> None:
        """Keep the content of a file."""
        self.objects[key] = Path(path).read_bytes()

    def to_dict(self) -> dict[str, Any]:
        """Say nothing where dflow describes an artifact by its store."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def below(self, key: str) -> dict[str, bytes]:
        """Return the objects that make up an artifact: the key itself, or all below it."""
        return {
            name: data
            for name, data in self.objects.items()
            if name == key or name.startswith(f"{key}/")
        }


@contextmanager
def leak_free_dflow(profile: ClusterProfile) -> Iterator[Recorder]:
    """Render in here; dflow is as it was afterwards.

    Parameters
    ----------
    profile : ClusterProfile
        Namespace, image of dflow's utility steps, prefix of keys.

    Yields
    ------
    Recorder
        What dflow gave away to be uploaded.
    """
    import dflow
    from dflow.python import python_op_template

    recorder = Recorder()
    settings = _WHILE_RENDERING | {
        "namespace": profile.namespace,
        "util_image": profile.images.of_kind("light"),
        "util_image_pull_policy": profile.images.pull_policy,
    }
    store = _STORE_WHILE_RENDERING | {
        "prefix": profile.storage.prefix,
        "storage_client": recorder,
    }
    with ExitStack() as stack:
        stack.enter_context(patch.dict(dflow.config, settings, clear=True))
        stack.enter_context(patch.dict(dflow.s3_config, store, clear=True))
        count = itertools.count()
        for module in _modules_with("randstr"):
            stack.enter_context(patch.object(module, "randstr", _counting(count)))
        # the images contain dflow and the operators
        stack.enter_context(patch.object(python_op_template, "upload_packages", []))
        template = python_op_template.PythonOPTemplate
        stack.enter_context(
            patch.object(template, "__init__", _without_packages(template.__init__))
        )
        yield recorder


def _modules_with(function: str) -> Sequence[Any]:
    return [
        module
        for name, module in list(sys.modules.items())
        if name.split(".")[0] == "dflow" and callable(getattr(module, function, None))
    ]


def _counting(count: Iterator[int]) -> Callable[..., str]:
    def randstr(length: int = 5) -> str:
        return f"{RANDOM}{next(count):05d}"

    return randstr


def _without_packages(init: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **(options | {"upload_dflow": False, "python_packages": None}))

    return __init__
