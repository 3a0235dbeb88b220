"""Tests of incremental training."""
