"""What is measured: plain programs that run on the host and under kos, and print nanoseconds."""
