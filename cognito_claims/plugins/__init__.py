"""The ready-made plugins, one module each; none is imported here."""
