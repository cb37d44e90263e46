"""Threads add to one word without losing a count, and leave their codes."""

from kos import guest

a = guest.mmap(0, 4096, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)


def add(count, code):
    for _ in range(count):
        guest.fetch_add64(a, 1)
        while True:
            old = guest.load64(a + 8)
            if guest.compare_exchange64(a + 8, old, old + 2) == old:
                break
    if code == 3:
        guest.exit_thread(code)
    return code


tids = [guest.clone(add, 300, code) for code in range(4)]
print([guest.join(tid) for tid in tids], guest.load64(a), guest.load64(a + 8), len(set(tids)) == 4)
for tid in (tids[0], 999999, guest.gettid()):
    try:
        guest.join(tid)
    except OSError as e:
        print(e.strerror)
