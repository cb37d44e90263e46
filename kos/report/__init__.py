"""What a run looked like: log, summary, histogram."""
