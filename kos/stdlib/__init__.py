"""The standard modules that guests see, emulated."""
