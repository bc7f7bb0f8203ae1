"""`python -m model_server serve`, the command that SageMaker gives to every image."""

import logging
import os
import sys

from model_server import logs
from model_server.serve import serve
from model_server.settings import SettingsError, read_settings

WRONG_CALL = 2


def main(arguments: list[str]) -> int:
    """Runs the command; 0 when it was told to stop, 1 when serving failed, 2 for a wrong argument or variable."""
    if arguments != ["serve"]:
        print("usage: python -m model_server serve", file=sys.stderr)
        return WRONG_CALL
    logs.configure()
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        logging.getLogger(__name__).error(str(error))  # noqa: TRY400 one clear line
        return WRONG_CALL
    return serve(settings)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
