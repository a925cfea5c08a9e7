"""Argo's controller and executor, as far as our manifests use them, on this machine."""
