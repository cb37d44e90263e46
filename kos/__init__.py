"""kos: an emulator of a small SMP Unix whose subject is memory."""
