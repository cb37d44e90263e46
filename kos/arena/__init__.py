"""How Python sees the shared memory that is the machine."""
