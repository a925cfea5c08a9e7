"""Minimum free-energy paths on grids: which way, over which pass, what changes first."""
