"""Runs, wherever they run: their folders, and what they look like at one moment."""
