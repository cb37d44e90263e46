"""pagemap: a page is writable if a store need not copy it: also when the other user is gone, or rights came back."""

import os

from kos import guest

PAGE = guest.PAGE_SIZE
RW = guest.PROT_READ | guest.PROT_WRITE


def show(label, area):
    pages = (guest.pagemap(area + i * PAGE) for i in range(3))
    print(label, [(p.present, p.writable, p.accessed, p.shared) for p in pages], flush=True)


for kind in (guest.MAP_PRIVATE, guest.MAP_SHARED):
    area = guest.mmap(0, 3 * PAGE, RW, kind | guest.MAP_ANONYMOUS)
    guest.store8(area, 1)
    guest.load8(area + PAGE)
    show("new", area)
    guest.mprotect(area, PAGE, guest.PROT_READ)
    show("read-only", area)
    guest.mprotect(area, PAGE, RW)
    show("back", area)
    pid = os.fork()
    if pid == 0:
        if kind == guest.MAP_PRIVATE:
            show("child", area)
        guest.store8(area, 2)
        os._exit(0)
    os.waitpid(pid, 0)
    show("alone", area)
    guest.store8(area, 3)
    show("stored", area)
