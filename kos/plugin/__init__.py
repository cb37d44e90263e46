"""Loading plugins and guarding their border."""
