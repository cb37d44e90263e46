"""RLIMIT_NOFILE: EMFILE at the limit, lower limits hold, a lowered hard limit cannot rise (for all but root)."""

import errno
import os
import resource

resource.setrlimit(resource.RLIMIT_NOFILE, (20, 40))
fds = []
try:
    while True:
        fds.append(os.dup(0))
except OSError as e:
    print(errno.errorcode[e.errno], fds[-1])
try:
    os.dup2(0, 20)
except OSError as e:
    print(errno.errorcode[e.errno])
resource.setrlimit(resource.RLIMIT_NOFILE, (21, 40))
print(os.dup(0), resource.getrlimit(resource.RLIMIT_NOFILE))
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (41, 40))
except ValueError as e:
    print(e)
