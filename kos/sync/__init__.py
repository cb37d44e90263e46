"""Waiting for each other: locks that serve interrupts, and their one order."""
