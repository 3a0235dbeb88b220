"""Tests of the mathematics of ranking."""
