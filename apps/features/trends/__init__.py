"""What is suddenly engaged with: buckets of viewers → bursts → forecasts → factors (spec §9.3)."""
