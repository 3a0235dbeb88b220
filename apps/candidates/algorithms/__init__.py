"""The arithmetic of retrieval: arrays in, arrays out."""
