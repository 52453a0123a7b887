"""What events and settings come to: preview, check, traced attributes, token sizes."""
