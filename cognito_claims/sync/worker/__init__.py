"""The queue's worker: batches of messages, written or given back."""
