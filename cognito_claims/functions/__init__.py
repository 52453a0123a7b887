"""Lambda entry points, one assignment each, configured by environment variables only."""
