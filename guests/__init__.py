"""Guest programs: one idea a file, ordinary Python. Shipped as the package kos_guests; `kos guests` lists them."""
