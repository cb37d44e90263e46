"""The host's clock: monotonic and the same for all CPU processes."""

from __future__ import annotations

import time

now_ns = time.monotonic_ns  #: ns, CLOCK_MONOTONIC: equal in every process of the host
wall_ns = time.time_ns  #: ns since the epoch
cpu_time_ns = time.process_time_ns  #: host CPU time of this process
