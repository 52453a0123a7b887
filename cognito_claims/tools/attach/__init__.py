"""Attach functions to a pool, detach them, and restore what was there before."""
