"""What contents look and sound like, from their files."""
