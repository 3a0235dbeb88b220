"""What happened, once and for ever."""
