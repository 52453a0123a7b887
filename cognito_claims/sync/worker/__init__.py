"""The worker of the queue: it writes the users in a batch of messages."""
