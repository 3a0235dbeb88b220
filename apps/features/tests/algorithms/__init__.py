"""Tests of the arithmetic of features."""
