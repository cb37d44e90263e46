"""os.abort ends the process with SIGABRT even if that is handled, ignored or blocked."""

import os
import signal

for prepare in (
    lambda: signal.signal(signal.SIGABRT, lambda *_: os._exit(1)),
    lambda: signal.signal(signal.SIGABRT, signal.SIG_IGN),
    lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGABRT]),
    lambda: None,
):
    pid = os.fork()
    if pid == 0:
        prepare()
        os.abort()
    print(signal.Signals(os.WTERMSIG(os.waitpid(pid, 0)[1])).name)
