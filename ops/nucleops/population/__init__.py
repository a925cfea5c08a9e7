"""Atomic charges of states: which structures, how they are computed, and what became of them."""
