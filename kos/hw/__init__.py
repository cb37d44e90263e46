"""The simulated hardware: frames, tables, TLB, CPUs, interrupts."""
