"""Why a user's file was not converted: one line that names the file and the remedy.

It stands alone because `python -m models.convert` runs that module under another name than the one it is imported by.
"""

_LONGEST = 300


class Refusal(Exception):
    """A file that cannot become an artifact; the message is for the person at the command line."""


def first_line(error: BaseException) -> str:
    """What an exception of a framework says, cut to one line: theirs can be pages."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
