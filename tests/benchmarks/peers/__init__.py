"""What others do instead, in our words: the guides' handlers for Node, and the same job in Python by usual means."""
