"""The tables behind the look-ups of a document of rules."""
