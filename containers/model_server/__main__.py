"""`python -m model_server serve`, the command that SageMaker gives to every image.

The model's process is started before anything else is imported, so that the two get ready side by side.
"""

import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_server.front.process import ModelProcess

WRONG_CALL = 2


def main(arguments: list[str]) -> int:
    """Runs the command; 0 when it was told to stop, 1 when serving failed, 2 for a wrong argument or variable."""
    if arguments != ["serve"]:
        print("usage: python -m model_server serve", file=sys.stderr)
        return WRONG_CALL

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop_at_once)

    from model_server.front.process import ModelProcess  # noqa: PLC0415

    process = ModelProcess()
    try:
        return _serve(process)
    finally:
        process.kill()


def _stop_at_once(_number: int, _frame: object) -> None:
    """Told to stop before there is anything to finish; the first process of a container has to listen for it."""
    raise SystemExit(0)


def _serve(process: "ModelProcess") -> int:
    import logging  # noqa: PLC0415
    import os  # noqa: PLC0415

    from model_server import logs  # noqa: PLC0415
    from model_server.settings import SettingsError, read_settings  # noqa: PLC0415

    logs.configure()
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        logging.getLogger(__name__).error(str(error))  # noqa: TRY400 one clear line
        return WRONG_CALL

    from model_server.serve import serve  # noqa: PLC0415

    return serve(settings, process)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
