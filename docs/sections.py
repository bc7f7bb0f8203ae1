"""Pages that people write and measurements rewrite: one section is replaced, the rest stays."""

import re
from pathlib import Path


def replace_section(section: str, page: Path) -> None:
    """Puts `section`, which begins with its `## ` heading, into `page` in the place of the one there, or at its end."""
    text, heading = page.read_text(encoding="utf-8"), section.partition("\n")[0]
    pattern = re.compile(rf"^{re.escape(heading)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    replaced, found = pattern.subn(lambda _: section + "\n", text)
    page.write_text((replaced if found else f"{text.rstrip()}\n\n{section}").rstrip() + "\n", encoding="utf-8")
