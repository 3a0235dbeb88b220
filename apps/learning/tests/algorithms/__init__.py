"""Tests of the arithmetic of learning and judging."""
