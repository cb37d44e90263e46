"""What can be observed: event vocabulary and tracepoints."""
