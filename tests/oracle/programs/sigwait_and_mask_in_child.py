"""sigwait takes a blocked signal; a child inherits the mask, not what is pending."""

import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2])
os.kill(os.getpid(), signal.SIGUSR1)
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    print("child:", signal.sigpending(), signal.SIGUSR1 in signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True)
    os.write(w, b"!")
    print("child:", repr(signal.sigwait({signal.SIGUSR2})), flush=True)
    os._exit(0)
os.read(r, 1)
os.kill(pid, signal.SIGUSR2)
os.waitpid(pid, 0)
print("parent:", repr(signal.sigwait([signal.SIGUSR1, signal.SIGUSR2])), signal.sigpending())
