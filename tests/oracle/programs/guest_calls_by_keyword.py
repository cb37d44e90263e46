"""Every call of kos.guest takes its arguments by the names in which it is documented."""

from kos import guest

PAGE = guest.PAGE_SIZE
RW = guest.PROT_READ | guest.PROT_WRITE
ANON = guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
a = guest.mmap(addr=0, length=2 * PAGE, prot=RW, flags=ANON, fd=-1, offset=0)
print(guest.store(addr=a, data=b"words"), guest.load(addr=a, n=5))
for bits in (8, 16, 32, 64):
    getattr(guest, f"store{bits}")(addr=a, value=(1 << bits) + 7)
    print(bits, getattr(guest, f"load{bits}")(addr=a))
print(guest.fetch_add64(addr=a, n=5), guest.exchange64(addr=a, v=3), guest.load64(addr=a))
print(guest.compare_exchange64(addr=a, expected=3, desired=9), guest.load64(a))
print(guest.mprotect(addr=a, length=PAGE, prot=RW), guest.madvise(addr=a, length=PAGE, advice=guest.MADV_WILLNEED))
print(guest.mincore(addr=a, length=2 * PAGE), guest.msync(addr=a, length=PAGE, flags=4))
print(guest.minherit(addr=a, length=PAGE, inherit=guest.INHERIT_COPY), guest.pagemap(addr=a).present)
print(guest.mremap(addr=a, old=2 * PAGE, new=PAGE, flags=0) == a, guest.munmap(addr=a, length=PAGE))
end = guest.sbrk(increment=0)
print(guest.brk(addr=end + 1) - end)
word = guest.mmap(0, PAGE, RW, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
try:
    guest.futex_wait(addr=word, expected=1, timeout=0.1)
except OSError as e:
    print(e.strerror)
print(guest.futex_wake(addr=word, n=1), guest.rfork(flags=0))
print(guest.join(tid=guest.clone(lambda n: guest.exit_thread(code=n), 4, flags=guest.THREAD)))
