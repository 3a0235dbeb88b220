"""Tests of the arithmetic of retrieval."""
