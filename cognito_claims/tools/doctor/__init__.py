"""What is wrong with a pool and its functions, as rules over descriptions."""
