"""The mathematics of ranking: arrays in, arrays out."""
