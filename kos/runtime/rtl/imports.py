"""The import statement, `__import__` and importlib.import_module: guest code, since a module's body is.

The order is that of importlib._bootstrap: parents first, a module is in sys.modules while its body runs, and no
longer if the body raises.
"""

from kos.runtime import importer, running


def __import__(name, globals=None, locals=None, fromlist=(), level=0):
    """The built-in function."""
    return import_statement(name, globals, fromlist, level)


def import_statement(name, globals, fromlist, level):
    """What an import statement starts from: the module that `__import__` would return."""
    full = importer.absolute(name, globals, level)
    module = importer.loaded(full)
    if module is None:
        module = load(full)
    if not fromlist:
        return importer.result(module, name, level)
    for submodule in importer.wanted_submodules(module, fromlist):
        if importer.loaded(submodule) is None:
            try:
                load(submodule)
            except ModuleNotFoundError as error:
                # `from package import name` then says that the name is missing.
                if error.name != submodule:
                    raise
    return module


def load(full):
    """Import a module that is not in sys.modules, after its parents."""
    parent_name, _, child = full.rpartition(".")
    parent = None
    if parent_name:
        parent = importer.loaded(parent_name)
        if parent is None:
            parent = load(parent_name)
        module = importer.loaded(full)
        if module is not None:
            return module
    module, unit_id = importer.begin(full, parent)
    if unit_id is not None:
        try:
            running.run_body(unit_id, module.__dict__)
        except BaseException:
            importer.failed(full)
            raise
    return importer.finish(full, parent, child)


def import_module(name, package=None):
    """importlib.import_module."""
    level = len(name) - len(name.lstrip("."))
    if level and not package:
        raise TypeError(f"the 'package' argument is required to perform a relative import for {name!r}")
    full = importer.absolute(name[level:], {"__package__": package}, level)
    module = importer.loaded(full)
    return load(full) if module is None else module
