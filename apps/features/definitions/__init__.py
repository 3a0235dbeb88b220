"""Every feature, defined once, for serving and training alike."""
