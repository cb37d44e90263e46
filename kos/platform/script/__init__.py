"""The host as a guest sees it that runs as a plain script: kos.guest by ctypes, on real memory and system calls."""
