"""rfork without RFPROC gives the caller a descriptor table of its own; a thread's bool comes back as one."""

import os

from kos import guest


def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


r, w = os.pipe()


def own_table():
    guest.rfork(guest.RFFDG)
    os.close(r)
    return is_open(w)


print(guest.rfork(guest.RFFDG), guest.rfork(0), is_open(r))
print(guest.join(guest.clone(own_table)), is_open(r))
print(guest.join(guest.clone(lambda: False)), guest.join(guest.clone(lambda: 1)), guest.join(guest.clone(lambda: -5)))
pid = os.fork()
if pid == 0:
    guest.rfork(guest.RFCFDG)
    os._exit(sum(is_open(fd) for fd in (0, 1, 2, r, w)))
print(os.waitpid(pid, 0)[1])
