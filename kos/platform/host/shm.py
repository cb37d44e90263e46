"""One shared-memory block of the host, made sparse and always unlinked."""

from __future__ import annotations

import errno
import mmap
import os

from kos.errors import HostError

_DIR = "/dev/shm"


class SharedBlock:
    """A block of host memory that forked processes share.

    Written over shm files directly, not over multiprocessing.shared_memory: its resource tracker unlinks
    a block that an unrelated process merely attached to, and starts one more process a run.
    buf: writable view of `size` bytes, zero until touched (sparse).
    """

    def __init__(self, name: str, size: int, *, create: bool) -> None:
        self.name = name
        self.path = os.path.join(_DIR, name)
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0)
        try:
            fd = os.open(self.path, flags, 0o600)
        except FileExistsError:
            raise HostError(f"a machine named {name!r} exists already ({self.path})") from None
        except FileNotFoundError:
            raise HostError(f"there is no machine named {name!r} ({self.path})") from None
        except OSError as e:
            raise HostError(f"cannot open shared memory {self.path}: {e.strerror}") from None
        try:
            if create:
                os.ftruncate(fd, size)
            else:
                size = os.fstat(fd).st_size
            self._map = mmap.mmap(fd, size)
        except (OSError, ValueError, OverflowError) as e:
            if create:
                os.unlink(self.path)
            raise HostError(f"cannot map {size} bytes of shared memory: {e}") from None
        finally:
            os.close(fd)
        self.size = size
        self.buf = memoryview(self._map)

    def unlink(self) -> None:
        """Remove the name; the memory goes with the last process that maps it."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass

    def give_back(self, at: int, size: int) -> None:
        """Return the host's memory of a stretch, which then reads as zeros."""
        try:
            self._map.madvise(mmap.MADV_REMOVE, at, size)
        except (OSError, ValueError):
            pass  # a host that cannot

    def resident_bytes(self) -> int:
        """How much of the block the host has really given memory for."""
        try:
            return os.stat(self.path).st_blocks * 512
        except OSError:
            return 0


def free_bytes() -> int:
    """Room left for shared memory on the host."""
    try:
        s = os.statvfs(_DIR)
    except OSError as e:
        raise HostError(f"no shared memory on this host: {_DIR}: {os.strerror(e.errno or errno.EIO)}") from None
    return s.f_bavail * s.f_frsize


def names(prefix: str) -> list[str]:
    """The blocks whose name starts with prefix."""
    try:
        return sorted(n for n in os.listdir(_DIR) if n.startswith(prefix))
    except OSError:
        return []
