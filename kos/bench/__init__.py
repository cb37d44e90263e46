"""`kos bench`: the same work on the host and in kos, side by side."""
