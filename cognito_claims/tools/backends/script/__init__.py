"""Statements and tokens of the scripts that backends run."""
