"""docs/images.md, section Sizes: what each image weighs on top of its base, and what takes the space."""

from collections.abc import Mapping

from images.inventory import Inventory

_SHOWN_BYTES = 5_000_000


def sizes_section(inventories: Mapping[str, Inventory]) -> str:
    """The section for images by name, from its heading on."""
    rows = [
        f"| `{name}` | {found.bytes_on_base / 1e6:.0f} | {_largest(found.sizes)} |"
        for name, found in inventories.items()
    ]
    return f"""## Sizes

Written by `python -m images --docs`: megabytes on top of the base image, and what they are, bytecode included.

| image | MB | of which |
|---|---|---|
{chr(10).join(rows)}
"""


def _largest(sizes: Mapping[str, int]) -> str:
    shown = sorted(((size, name) for name, size in sizes.items() if size >= _SHOWN_BYTES), reverse=True)
    rest = sum(size for size in sizes.values() if size < _SHOWN_BYTES)
    return ", ".join([*(f"{name} {size / 1e6:.0f}" for size, name in shown), f"the rest {rest / 1e6:.0f}"])
