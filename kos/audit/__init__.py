"""What is always true, checked by walking the arena."""
