"""Turns outcomes into better models."""
