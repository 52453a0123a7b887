"""Write the users that a pool has already."""
