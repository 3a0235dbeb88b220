"""Arithmetic of learning and judging: arrays in, arrays out."""
