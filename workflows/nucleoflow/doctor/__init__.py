"""Checks of everything a study needs to run, here and on a cluster, with advice on each failure."""
