#!/usr/bin/env python3
"""posix_spawn sets the child's mask, default signals and process group; the parent's stay."""

import os
import signal
import sys

if len(sys.argv) > 1:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    print(sorted(s.name for s in mask), signal.getsignal(signal.SIGUSR2), os.getpgrp() == os.getpid(), flush=True)
    sys.exit(0)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
for options in ({}, {"setsigmask": [signal.SIGUSR1]}, {"setsigdef": [signal.SIGUSR2], "setpgroup": 0}):
    pid = os.posix_spawn(sys.argv[0], [sys.argv[0], "child"], os.environ, **options)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
print(sorted(s.name for s in signal.pthread_sigmask(signal.SIG_BLOCK, ())), signal.getsignal(signal.SIGUSR2))
