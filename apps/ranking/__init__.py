"""Scores and orders candidates."""
