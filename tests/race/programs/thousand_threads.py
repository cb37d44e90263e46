"""1,000 threads in one address space: each faults a page of its own, and all add to one word."""

from kos import guest

N = 1000
RW = guest.PROT_READ | guest.PROT_WRITE
word = guest.mmap(0, 4096, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
pages = guest.mmap(0, 4096 * N, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
GO, ARRIVED, SUM = word, word + 8, word + 16


def thread(i):
    guest.fetch_add64(ARRIVED, 1)
    while True:
        try:
            guest.futex_wait(GO, 0)
        except BlockingIOError:
            break  # EAGAIN: the word has changed
    guest.store64(pages + 4096 * i, i)
    for _ in range(20):
        guest.fetch_add64(SUM, 1)
    if i % 10 == 0:
        guest.mprotect(pages + 4096 * i, 4096, guest.PROT_READ)
    return guest.load64(pages + 4096 * i)


tids = [guest.clone(thread, i) for i in range(N)]
print("different:", len(set(tids)))
while guest.load64(ARRIVED) < N:
    guest.futex_wake(GO, 0)
guest.store64(GO, 1)
guest.futex_wake(GO, N)
print("wrong:", sum(guest.join(tid) != i for i, tid in enumerate(tids)), "sum:", guest.load64(SUM))
