"""Packages whose modules import each other, fork while they are imported, and fail; code that was compiled before."""

import os
import sys

FOLDER = f"/tmp/kos-circle-{os.getpid()}"
FILES = {
    "ring/__init__.py": """
import os
pid = os.fork()
if pid == 0:
    os._exit(3)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
from . import left
from .inner import deep
""",
    "ring/left.py": """
from . import status
from .right import Right
value = [status]
""",
    "ring/right.py": """
from . import left
early = hasattr(left, "value")
class Right:
    pass
""",
    "ring/inner/__init__.py": "",
    "ring/inner/deep.py": """
from ..left import value
value.append("deep")
""",
    "ring/late.py": """
from .later import name
""",
    "ring/later.py": """
from .late import name
""",
    "ring/bad.py": """
raise ValueError("while it is imported")
""",
}
for folder in ("", "/ring", "/ring/inner"):
    os.mkdir(FOLDER + folder)
for name, text in FILES.items():
    with open(f"{FOLDER}/{name}", "w") as file:
        file.write(text)
sys.path.insert(0, FOLDER)
sys.dont_write_bytecode = True

import ring  # noqa: E402  # it was written just now

print(ring.left.value, ring.right.early, ring.status, ring.inner.deep.__name__)
for attempt in (
    "from ring import missing",
    "import ring.late",
    "import ring.missing",
    "import ring.left.more",
    "import ring.bad",
):
    try:
        exec(attempt)
    except Exception as error:
        print(type(error).__name__, str(error).replace(FOLDER, "FOLDER"), getattr(error, "name", None))
print(eval(compile("answer = 42", "text", "exec")), answer)  # noqa: F821  # bound by what is executed
exec(compile("print('an expression')", "text", "eval"))
for name in FILES:
    os.unlink(f"{FOLDER}/{name}")
for folder in ("/ring/inner", "/ring", ""):
    os.rmdir(FOLDER + folder)
