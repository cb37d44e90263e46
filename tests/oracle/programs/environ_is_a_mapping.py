"""os.environ: a mapping of str that forgets, copies, merges and complains."""

import os

os.environ["KOS_X"] = "1"
print("KOS_X" in os.environ, os.getenv("KOS_X"), os.environb[b"KOS_X"], os.getenv("KOS_NONE", "default"))
print(os.environ.pop("KOS_X"), os.environ.get("KOS_X"), os.environ.setdefault("KOS_Y", "y"))
copied = os.environ.copy()
copied["KOS_Z"] = "only in the copy"
print(type(copied).__name__, "KOS_Z" in os.environ, (os.environ | {"KOS_W": "w"})["KOS_W"], "KOS_W" in os.environ)
os.environ |= {"KOS_V": "v"}
print(os.environ["KOS_V"], os.path.expandvars("$KOS_V-${KOS_Y}-$KOS_NONE"))
for act in (
    lambda: os.environ["KOS_NONE"],
    lambda: os.environ.__setitem__("A", 1),
    lambda: os.environ.__delitem__("KOS_N"),
    lambda: os.environ.__setitem__("A=B", "x"),
    lambda: os.environ.__setitem__("A", "x\0y"),
):
    try:
        act()
    except (KeyError, TypeError, ValueError, OSError) as e:
        print(type(e).__name__, e)
