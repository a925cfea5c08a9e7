"""Types of operators' inputs and outputs, as dflow compares them.

dflow knows ``typing.List[Path]`` and refuses ``list[Path]``, which is another object.
"""

from pathlib import Path
from typing import List  # noqa: UP035

Paths = List[Path]  # noqa: UP006
Strings = List[str]  # noqa: UP006
