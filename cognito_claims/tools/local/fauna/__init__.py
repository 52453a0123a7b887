"""A stand-in of Fauna."""
