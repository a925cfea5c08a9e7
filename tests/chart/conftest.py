"""The tests of the chart share modules that lie beside them, and use the chart's generator."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "helm")]
