"""What the templates of moderation show."""
