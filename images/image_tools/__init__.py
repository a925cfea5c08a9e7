"""Builds, pins and describes the container images; run by ``images/build`` and ``images/pin``.

Needs Python 3.11 and nothing else, so that a fresh checkout can build images.
"""
