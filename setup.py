"""Finds the packages; everything else stands in pyproject.toml.

setuptools cannot both search for packages and rename top-level folders from pyproject.toml alone.
"""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["kos", "kos.*"]), "kos_plugins", "kos_guests"])
