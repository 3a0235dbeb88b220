"""Keeps unfit content out, with a human in the loop."""
