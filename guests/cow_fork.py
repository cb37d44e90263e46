"""Fork, and watch page by page when the copies are made.

Look for: after the fork parent and child have the same frames, and neither may write to them (copy-on-write). The
first write of either to a page faults, copies that page alone, and leaves the other's bytes as they were; whoever is
left with a frame for itself gets its write permission back without a copy. `kos run cow_fork` shows in the summary how
many copies were made: the pages that were written while two had them, and not one more. Usage: cow_fork [PAGES]
"""

import os
import sys

from kos import guest

PAGE = guest.PAGE_SIZE


def same_frame(addr: int, pfn: int) -> bool:
    """Whether the page is still in that frame; always, where the kernel does not tell the number (0)."""
    now = guest.pagemap(addr).pfn
    return now == pfn or now == 0


def main() -> int:
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    area = guest.mmap(0, pages * PAGE, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
    for i in range(pages):
        guest.store64(area + i * PAGE, i)
    frames = [guest.pagemap(area + i * PAGE).pfn for i in range(pages)]
    print("parent: wrote", pages, "pages; writable:", guest.pagemap(area).writable, flush=True)

    child_r, child_w = os.pipe()  # the two take turns: a byte each way
    parent_r, parent_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        shared = [guest.pagemap(area + i * PAGE).shared for i in range(pages)]
        print("child: pages shared with the parent:", shared.count(True), "of", pages, flush=True)
        print("child: may write them without a fault:", guest.pagemap(area).writable, flush=True)
        for i in range(0, pages, 2):
            guest.store64(area + i * PAGE, 1000 + i)
        copied = [not guest.pagemap(area + i * PAGE).shared for i in range(pages)]
        print("child: wrote every other page; pages of its own now:", copied.count(True), flush=True)
        sys.stdout.flush()
        os.write(child_w, b"!")
        os.read(parent_r, 1)
        values = [guest.load64(area + i * PAGE) for i in range(pages)]
        wanted = [i if i % 2 else 1000 + i for i in range(pages)]
        print("child: reads its own values and the old ones:", values == wanted)
        sys.stdout.flush()
        os._exit(0)

    os.read(child_r, 1)
    for i in range(1, pages, 2):
        guest.store64(area + i * PAGE, 2000 + i)
    os.write(parent_w, b"!")
    status = os.waitpid(pid, 0)[1]
    values = [guest.load64(area + i * PAGE) for i in range(pages)]
    wanted = [2000 + i if i % 2 else i for i in range(pages)]
    print("parent: reads its own values and the old ones:", values == wanted)
    guest.store64(area, 3000)
    kept = same_frame(area, frames[0])
    print("parent: the child is gone; a write to a page it has for itself keeps the frame:", kept)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
