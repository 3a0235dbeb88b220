"""Experiments: who sees what, and whether the difference is real."""
