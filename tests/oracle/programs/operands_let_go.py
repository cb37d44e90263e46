"""What an expression has used is let go before the next call, in CPython's order, not when the statement ends."""

import os


class Noisy:
    def __init__(self, name):
        self.name = name
        self.items = [1, 2]
        os.getpid()

    def __del__(self):
        print("gone", self.name)

    def __bool__(self):
        return True

    def __add__(self, other):
        return Noisy(f"{self.name} and {other.name}")

    def __getitem__(self, place):
        return place

    def __len__(self):
        return len(self.items)

    def __lt__(self, other):
        return True

    def __repr__(self):
        return f"Noisy {self.name}"


def tell(*values):
    print(*values)
    return True


def operands():
    print(Noisy("attribute").name)
    print(Noisy("item")[0], len(Noisy("length")), repr(Noisy("repr")), f"{Noisy('format')}")
    print((Noisy("left") + Noisy("right")).name, Noisy("less") < Noisy("more"))
    _ = Noisy("and") and print("after and")
    _ = not Noisy("or") or print("after or")
    _ = print("chosen") if Noisy("choice") else None
    _ = Noisy("and, of a guest's") and tell("after and")
    _ = [Noisy("first"), Noisy("second")]
    _ = {"key": Noisy("value"), "name": Noisy("named").name}
    if Noisy("tested"):
        print("in the body")
    while Noisy("tested in a loop"):
        print("in the loop")
        break
    for one in Noisy("iterated").items:
        print("each", one)
    return Noisy("returned").name


def finally_():
    try:
        return Noisy("inside").name
    finally:
        print("finally")


def yields():
    yield Noisy("yielded from").name
    print("resumed")


print(operands())
print(finally_(), *yields())
print(Noisy("of the module").name)
if os.fork() == 0:
    print(operands(), flush=True)
    os._exit(0)
os.wait()
