"""The runtime's own guest code: compiled like a guest, so that it can be suspended in the middle."""
