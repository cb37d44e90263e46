"""The only place that names the host: clock, locks, processes, doorbells, shared memory."""
