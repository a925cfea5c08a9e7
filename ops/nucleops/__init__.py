"""Operators, and the science they wrap, for simulating how metal nanoclusters form.

The modules at this level are dflow operators with dpgen2's signatures; the subpackages are what
they wrap and can be used without dflow.
"""

__version__ = "0.1.0"
