"""The parts of the monolith; `pyproject.toml` says which may import which."""
