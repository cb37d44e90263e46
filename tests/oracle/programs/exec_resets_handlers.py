#!/usr/bin/env python3
"""exec puts handled signals back to their default; ignored ones and the mask stay."""

import os
import signal
import sys

if len(sys.argv) > 1:
    print(
        signal.getsignal(signal.SIGUSR1),
        signal.getsignal(signal.SIGUSR2),
        signal.SIGHUP in signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        flush=True,
    )
    os._exit(0)
signal.signal(signal.SIGUSR1, lambda number, frame: None)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[0], [sys.argv[0], "again"])
print(os.waitpid(pid, 0)[1])
