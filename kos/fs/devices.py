"""/dev/null, /dev/zero, /dev/full, /dev/random and /dev/tty: files whose contents nobody keeps."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from kos.errors import GuestFault
from kos.fs.file import OPS, Ops
from kos.fs.inode import put_inode
from kos.fs.structs import DEV_FULL, DEV_NULL, DEV_RANDOM, DEV_TTY, DEV_ZERO, F_DEVICE, File, inodes
from kos.params import PAGE_SIZE

if TYPE_CHECKING:
    from kos.fs.iov import Sink, Source

#: name in /dev -> (device, st_rdev as major << 8 | minor), the numbers of Linux's devices.txt
DEVICES = {
    b"null": (DEV_NULL, 0x103),
    b"zero": (DEV_ZERO, 0x105),
    b"full": (DEV_FULL, 0x107),
    b"random": (DEV_RANDOM, 0x108),
    b"urandom": (DEV_RANDOM, 0x109),
    b"tty": (DEV_TTY, 0x500),
}
RDEV = dict(DEVICES.values())
_PIECE = 16 * PAGE_SIZE


class _Device(Ops):
    """Devices without memory; /dev/tty is opened as the console (kos/fs/console.py) and does not come here."""

    def read(self, file: File, sink: Sink) -> int:
        device = inodes[file.inode].device
        if device == DEV_NULL:
            return 0
        done = 0
        while sink.room:
            n = min(sink.room, _PIECE)
            try:
                taken = sink.put(os.urandom(n) if device == DEV_RANDOM else bytes(n))
            except GuestFault:
                if not done:
                    raise
                break
            done += taken
            if taken < n:
                break
        return done

    def write(self, file: File, source: Source) -> int:
        if inodes[file.inode].device == DEV_FULL:
            raise GuestFault(errno.ENOSPC)
        return source.len

    def pread(self, file: File, sink: Sink, pos: int) -> int:
        return self.read(file, sink)

    def pwrite(self, file: File, source: Source, pos: int) -> int:
        return self.write(file, source)

    def seek(self, file: File, offset: int, whence: int) -> int:
        return 0  # Linux: null_lseek; the offset is always 0

    def release(self, file: File) -> None:

        put_inode(inodes[file.inode])


OPS[F_DEVICE] = _Device()
