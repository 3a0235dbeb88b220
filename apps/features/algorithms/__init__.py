"""Arithmetic of features: arrays in, arrays out."""
