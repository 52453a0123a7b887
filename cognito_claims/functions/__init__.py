"""Lambda entry points, one assignment each, configured by the environment alone."""
