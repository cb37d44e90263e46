"""/proc/<pid>: descriptors and what they lead to, threads, state, names, the score for the out-of-memory killer."""

import mmap
import os
import signal
import time

from kos import guest


def text(path):
    with open(path) as f:
        return f.read()


def rows(path):
    return dict(line.split(":", 1) for line in text(path).splitlines())


os.closerange(3, 300)
me = os.getpid()
print(sorted(os.listdir("/proc/self/fd"), key=int), os.readlink("/proc/self") == str(me))
r, w = os.pipe()
fd = os.memfd_create("m")
os.write(fd, b"hello")
print(len(os.listdir("/proc/self/fd")), os.readlink(f"/proc/self/fd/{r}") == os.readlink(f"/proc/{me}/fd/{w}"))
again = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
print(os.read(again, 10), os.path.sameopenfile(fd, again))
print([text(f"/proc/self/fdinfo/{n}").splitlines()[:2] for n in (fd, r)])
print(os.readlink("/proc/self/cwd") == os.getcwd(), os.readlink("/proc/self/root"))

word = guest.mmap(0, 4096, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_SHARED | guest.MAP_ANONYMOUS)


def thread():
    print(os.readlink("/proc/thread-self") == f"{me}/task/{guest.gettid()}")
    guest.store32(word, 1)
    guest.futex_wake(word, 9)
    guest.futex_wait(word, 1)


tid = guest.clone(thread)
while not guest.load32(word):
    guest.futex_wait(word, 0)
print(
    sorted(map(int, os.listdir("/proc/self/task"))) == sorted([me, tid]), rows("/proc/self/status")["Threads"].strip()
)
print(text(f"/proc/self/task/{tid}/stat").split()[0] == str(tid), os.path.exists("/proc/self/task/1"))
guest.store32(word, 2)
guest.futex_wake(word, 9)
guest.join(tid)
while len(os.listdir("/proc/self/task")) > 1:
    time.sleep(0.01)
print(os.listdir("/proc/self/task") == [str(me)])

with open("/proc/self/comm", "w") as f:
    f.write("another name")
with open("/proc/self/oom_score_adj", "w") as f:
    f.write("300\n")
child = os.fork()
if child == 0:
    signal.pause()
print(text(f"/proc/{child}/comm").strip(), text(f"/proc/{child}/oom_score_adj").strip())
try:
    with open("/proc/self/oom_score_adj", "w") as f:
        f.write("1001")
except OSError as e:
    print(e.errno)
while text(f"/proc/{child}/stat").split(") ")[1][0] != "S":
    time.sleep(0.01)
os.kill(child, signal.SIGSTOP)
os.waitpid(child, os.WUNTRACED)
print(rows(f"/proc/{child}/status")["State"].strip(), text(f"/proc/{child}/stat").split(") ")[1].split()[1] == str(me))
os.kill(child, signal.SIGKILL)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print(rows(f"/proc/{child}/status")["State"].strip(), "VmRSS" in rows(f"/proc/{child}/status"))
print([text(f"/proc/{child}/{name}") for name in ("maps", "statm")], os.listdir(f"/proc/{child}/fd"))
os.wait()
print(os.path.exists(f"/proc/{child}"))

status = rows("/proc/self/status")
print(
    [
        status[name].split() == [str(value)]
        for name, value in (("NSpid", me), ("NSpgid", os.getpgrp()), ("NSsid", os.getsid(0)))
    ]
)
rollup = text("/proc/self/smaps_rollup").splitlines()
total = sum(int(line.split()[1]) for line in text("/proc/self/smaps").splitlines() if line.startswith("Private_Dirty:"))
print(rollup[0].split()[-1], rollup[1].split()[0], total > 0)
for name in ("kernel/ostype", "vm/overcommit_memory"):
    print(name, text(f"/proc/sys/{name}").strip())
print(any(line.split()[1:3] == ["/proc", "proc"] for line in text("/proc/mounts").splitlines()))

fd = os.open("/proc/self/status", os.O_RDONLY)
print(os.fstat(fd).st_size, os.stat("/proc/self/maps").st_size, os.fstat(fd).st_blocks)
for attempt in (
    lambda: os.lseek(fd, 0, os.SEEK_END),
    lambda: os.lseek(fd, 5, os.SEEK_SET),
    lambda: guest.mmap(0, 4096, guest.PROT_READ, guest.MAP_PRIVATE, fd),
    lambda: mmap.mmap(fd, 0, prot=mmap.PROT_READ),
):
    try:
        print(attempt())
    except (OSError, ValueError) as e:
        print(e)
print(os.read(fd, 3))
