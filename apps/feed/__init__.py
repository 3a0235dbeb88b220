"""Serves one ranked feed per request."""
