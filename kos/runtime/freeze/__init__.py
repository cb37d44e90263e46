"""How a task's Python objects are copied by value: one kind of object a file.

`kos.runtime.snapshot` is the door; the files here answer "how is this one taken apart
and put together again" for functions, classes, instances, iterators and exceptions.
"""
