"""Write what moderation finds and decides."""
