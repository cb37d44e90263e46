"""`python -m kos`."""

import sys

from kos.cli.main import main

sys.exit(main())
