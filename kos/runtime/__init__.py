"""Runs compiled guests on a CPU: frames, calls, worlds, and saving all of it."""
