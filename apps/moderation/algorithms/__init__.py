"""Arithmetic of moderation: no Django, no clock, no settings."""
