"""User sync: whoever signs in gets a row in a table of the team's own."""
