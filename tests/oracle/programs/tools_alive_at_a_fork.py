"""Small objects of the library that live in variables when a process forks: both copies go on with them."""

import datetime
import functools
import hashlib
import json
import os
import struct
import sys


@functools.singledispatch
def kind(one):
    return "object"


@kind.register
def _(one: int):
    return "int"


class Key:
    @functools.lru_cache  # noqa: B019  # the cache is what is looked at
    def square(self, number):
        print("computed", number)
        return number * number


class Row(list):
    def __hash__(self):
        return hash(tuple(self))


pair = struct.Struct("<II")
descending = functools.cmp_to_key(lambda one, other: other - one)
two = descending(2)
decoder = json.JSONDecoder()
key = Key()
key.square(3)
rows = {Row([1, 2]): "row"}
sums = [hashlib.sha256(b"begun "), hashlib.new("md5", b"x"), hashlib.shake_128(), hashlib.blake2b(key=b"k")]


def status(**fields):
    return fields


class Summed:
    algorithm = hashlib.sha1

    def of(self, data):
        return self.algorithm(data).hexdigest()


def show():
    for one in sums:
        one.update(b"a part")
        print(one.name, one.hexdigest(*[4] * one.name.startswith("shake")), one.digest_size)
    print(Summed().of(b"data"))
    print(pair.unpack(pair.pack(1, 2)), sorted([1, 3, 2], key=descending), two < descending(1), decoder.decode("[1]"))
    print(kind(1), kind("1"), key.square(3), key.square.__wrapped__.__name__, rows[Row([1, 2])])
    print(datetime.datetime.strptime("2001-02-03", "%Y-%m-%d"), datetime.date(2001, 2, 3).strftime("%j"))
    try:
        raise ValueError("alone")
    except* ValueError as group:
        print(repr(group))
    try:
        status(**5)
    except TypeError as error:
        print(error)


show()
sys.stdout.flush()
if os.fork() == 0:
    show()
    sys.stdout.flush()
    os._exit(0)
os.wait()


def forking():
    for number in range(3):
        if os.fork() == 0:
            os._exit(number)
        yield os.waitstatus_to_exitcode(os.wait()[1])


statuses = forking()
print([status + 1 for status in statuses])
