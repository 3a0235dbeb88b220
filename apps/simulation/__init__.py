"""A synthetic world of viewers and short videos: demo, closed-loop tests, load."""
