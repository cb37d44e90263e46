"""sys.exit() of something that is neither a number nor None is printed, a tuple too."""

import sys

print("before")
sys.exit((5,))
