"""The I/O of the trigger side: HTTP under one deadline, and what is spoken over it."""
