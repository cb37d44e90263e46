"""sleep sleeps at least that long; clocks do not run backwards."""

import time

for seconds in (0, 0.01, 0.03):
    start = time.monotonic_ns()
    time.sleep(seconds)
    print(time.monotonic_ns() - start >= seconds * 1e9)
readings = [time.perf_counter_ns() for _ in range(50)]
print(readings == sorted(readings), time.time() > 1.6e9, abs(time.time() - time.time_ns() / 1e9) < 5)
for bad in (-1, "x", float("nan")):
    try:
        time.sleep(bad)
    except (ValueError, TypeError) as e:
        print(type(e).__name__, e)
cpu = time.process_time()
sum(range(100000))
print(time.process_time() >= cpu)
