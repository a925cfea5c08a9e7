"""Checks that run inside an image: that it is what it says, and that its engine really computes.

Run as ``nucleoflow-check [--quick] [--gpu]``. A check is a function that returns what it found, in
a few words, and raises where the image is not fit for use.
"""
