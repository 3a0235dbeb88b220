"""Arithmetic of federated learning: arrays and bytes in, arrays and bytes out."""
