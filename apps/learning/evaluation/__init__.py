"""Offline judging (spec §11.1): splits, what is judged on them, and the report."""
