"""Policies: one a file, each names the paper or kernel it follows. Shipped as the package kos_plugins."""
