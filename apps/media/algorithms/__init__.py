"""Arithmetic over pixels and sound, without any framework."""
