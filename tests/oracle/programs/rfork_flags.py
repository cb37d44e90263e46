"""rfork: with and without shared memory, descriptors copied, shared or closed."""

import errno
import os

from kos import guest

a = guest.mmap(0, 4096, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
for flags in (
    guest.RFPROC | guest.RFFDG,
    guest.RFPROC | guest.RFFDG | guest.RFMEM,
    guest.RFPROC,
    guest.RFPROC | guest.RFCFDG,
):
    r, w = os.pipe()
    guest.store64(a, 1)
    pid = guest.rfork(flags)
    if pid == 0:
        guest.store64(a, 2)
        try:
            os.close(r)
            os._exit(0)
        except OSError as e:
            os._exit(e.errno)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        os.fstat(r)
        state = "open"
        os.close(r)
    except OSError as e:
        state = errno.errorcode[e.errno]
    os.close(w)
    print(code, guest.load64(a), state)
for flags in (guest.RFMEM, guest.RFFDG | guest.RFCFDG | guest.RFPROC, 1 << 30):
    try:
        guest.rfork(flags)
    except OSError as e:
        print(errno.errorcode[e.errno])
