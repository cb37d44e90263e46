"""System calls: check arguments, then one call into the kernel."""
