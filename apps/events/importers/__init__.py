"""Readers of logs that others publish, one format a file."""
