"""Arithmetic of KPIs and alerts: arrays in, numbers out, no framework."""
