"""Members of enums over types of C's live through a fork, whatever refers to them first."""

import datetime
import decimal
import enum
import os
import sys


def make():
    class Holiday(datetime.date, enum.Enum):
        NEW_YEAR = 2013, 1, 1
        IDES = 2013, 3, 15

        def next(self):
            return list(type(self))[1]

    class Period(datetime.timedelta, enum.Enum):
        DAY = 1
        WEEK = 7

    class Rate(decimal.Decimal, enum.Enum):
        HALF = "0.5"

    return Holiday.NEW_YEAR, Period.WEEK, {Rate.HALF: "half", Period.DAY: "day"}


def show(first, second, third):
    holidays, periods = type(first), type(second)
    print(list(holidays), first.next(), first.next() is holidays.IDES, first.year, periods(second) is second)
    print(second.days, third[periods.DAY], [key + 1 for key in third if key.name == "HALF"], holidays["IDES"].name)
    sys.stdout.flush()


found = make()
show(*found)
if os.fork() == 0:
    show(*found)
    os._exit(0)
os.wait()
show(*found)
