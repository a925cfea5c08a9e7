"""Studies, workflows, backends and the command line, built on :mod:`nucleops`."""

from nucleops import __version__

__all__ = ["__version__"]
