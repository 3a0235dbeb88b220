"""Carries what every app needs and knows no domain."""
