"""The arithmetic of experiments: arrays in, arrays out."""
