"""The real host: one facility a file."""
