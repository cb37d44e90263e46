"""The door for tests of kos' users: pytest fixtures."""
