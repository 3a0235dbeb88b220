"""Learning between two trainings: what viewers did with slates, in small steps (spec §6.1, 6.2)."""
