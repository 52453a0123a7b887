"""The built-in plugins, one module each; this package imports none of them."""
