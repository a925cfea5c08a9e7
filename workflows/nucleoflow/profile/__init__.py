"""Cluster profiles: where a study runs, as a study says what runs."""
