"""Nuclei in trajectories of any length: who they are, what they become, and when.

A trajectory is read once. What the analysis needs of it (metals, ligand atoms that bind them,
solvent that surrounds them) is kept on disk (:mod:`.watched`); the contact graph, its aggregates,
their identities through time, their names and their history are computed from there.
"""
