"""Runs on Kubernetes: studies as Argo workflows."""
