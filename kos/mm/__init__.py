"""Memory: address spaces, faults, copy-on-write, shootdown."""
