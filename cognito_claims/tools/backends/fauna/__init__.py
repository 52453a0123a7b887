"""What the tools know of Fauna."""
