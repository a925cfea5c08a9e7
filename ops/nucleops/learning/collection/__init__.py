"""Labelled frames as one collection: no frame twice, an address by content, damage noticed.

A collection is a folder of DeePMD npy systems, one for each set of atoms, with ``frames.json``
beside each (:mod:`nucleops.learning.provenance`) and ``collection.json`` above them. Whatever reads
DeePMD npy reads it.
"""
