"""One event: the plugins that are asked, the decision, and its record in the log."""
