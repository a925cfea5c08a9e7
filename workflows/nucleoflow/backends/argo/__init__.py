"""Argo Workflows on Kubernetes: what dflow renders, submitted, followed and fetched.

Nothing is imported here: every pod starts an interpreter that imports this package.
"""
