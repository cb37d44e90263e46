"""What the user who runs the machine may do on the host, apart from being root or not."""

from __future__ import annotations

CAP_SYS_RAWIO = 1 << 17  #: bits of capabilities(): map the lowest pages
CAP_SYS_NICE, CAP_SYS_RESOURCE = 1 << 23, 1 << 24  #: become more favourable; raise hard limits


def capabilities() -> int:
    """The capabilities that are in effect, capabilities(7): root in a container often lacks some."""
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    return 0


def mmap_min_addr() -> int:
    """The lowest address that those may map who lack CAP_SYS_RAWIO."""
    try:
        with open("/proc/sys/vm/mmap_min_addr") as f:
            return int(f.read())
    except (OSError, ValueError):
        return 1 << 16
