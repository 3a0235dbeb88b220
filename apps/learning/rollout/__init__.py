"""From a candidate to what serves everybody: shadow, canary, holdback (spec §6.3)."""
