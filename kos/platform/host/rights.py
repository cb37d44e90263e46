"""What the user who runs the machine may do on the host, apart from being root or not."""

from __future__ import annotations

CAP_SYS_NICE, CAP_SYS_RESOURCE = 1 << 23, 1 << 24  #: bits of capabilities(): become more favourable; raise hard limits


def capabilities() -> int:
    """The capabilities that are in effect, capabilities(7): root in a container often lacks some."""
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    return 0
