"""Boot, the life of a CPU, the supervisor."""
