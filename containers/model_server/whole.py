"""`python -m model_server.whole CONTAINER`, while an image is built: imports all that its server will.

An image that lacks a module fails here and not on its first start, and the bytecode of the standard library, which
the base image comes without, is left in it.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from model_server.engines import FRAMEWORKS, MODULES

_SERVER = ("__main__", "serve", "worker", "loading", "jobs", "classifier", "function")


def main(container: str) -> None:
    """Raises ImportError for anything missing but a framework that the image is built without."""
    for name in _SERVER:
        import_module(f"model_server.{name}")
    for engine, (module, _) in MODULES.items():
        if find_spec(FRAMEWORKS[engine]):
            import_module(module)
    for part in iter_modules(import_module(container).__path__, f"{container}."):
        try:
            import_module(part.name)
        except ModuleNotFoundError as error:
            if error.name not in FRAMEWORKS.values():
                raise


if __name__ == "__main__":
    main(sys.argv[1])
