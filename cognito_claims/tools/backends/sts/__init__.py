"""AWS STS: session tags from the ID token."""
