"""select and poll on pipes: readable, writable, hung up, closed, timed out."""

import os
import select
import signal
import time

r, w = os.pipe()
print(select.select([r], [w], [], 0) == ([], [w], []), select.select([r], [], [], 0.01))
p = select.poll()
p.register(r)
p.register(w, select.POLLOUT)
print(p.poll(0) == [(w, select.POLLOUT)])
os.write(w, b"x")
print(select.select([r, w], [w, r], [r], 1) == ([r], [w], []) or "w is no read end")
p.modify(w, 0)
print(p.poll(1000) == [(r, select.POLLIN)])
os.close(w)
print(p.poll(0)[0] == (r, select.POLLIN | select.POLLHUP), dict(p.poll(0)).get(w) == select.POLLNVAL)
p.unregister(w)
os.read(r, 1)
print(p.poll() == [(r, select.POLLHUP)], select.select([r], [], [])[0] == [r])
pid = os.fork()
r2, w2 = os.pipe()
if pid == 0:
    os.kill(os.getppid(), 0)
    os._exit(0)
os.waitpid(pid, 0)
signal.signal(signal.SIGALRM, lambda *_: os.write(w2, b"!"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
print(select.select([r2], [], [])[0] == [r2])

# Times that are none, or too long for the call.
for call in (lambda t: select.poll().poll(t), lambda t: select.select([], [], [], t), time.sleep):
    for timeout in (1 << 62, 1 << 70, -(1 << 70), 1e30, -1e30, float("nan"), "a", 0.0001, 0):
        try:
            print(timeout, call(timeout))
        except Exception as e:
            print(timeout, type(e).__name__, e)
for timeout in (1 << 31, 1 << 40, -(1 << 40), 2.0**33, -3e9):
    try:
        print(timeout, select.poll().poll(timeout))
    except OverflowError as e:
        print(timeout, e)
