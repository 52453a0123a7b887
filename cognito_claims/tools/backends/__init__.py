"""`setup`: what a backend needs to take the pool's tokens, from the same settings as the plugins."""
