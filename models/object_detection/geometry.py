"""The sizes of a detector: of the picture that it takes, of its grid of cells, and how many classes it tells apart."""

from dataclasses import dataclass

STRIDE_PX = 8
"""The side of a cell, for which the network says one thing."""

_COARSEST_PX = 32  # the network halves a picture five times


@dataclass(frozen=True, slots=True)
class Geometry:
    """Of a network for pictures of height_px x width_px that tells `classes` kinds of things apart."""

    height_px: int
    width_px: int
    classes: int

    @property
    def margins_px(self) -> tuple[int, int]:
        """What is added below and to the right of the picture, so that every level of the network is whole."""
        return -self.height_px % _COARSEST_PX, -self.width_px % _COARSEST_PX

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        below, right = self.margins_px
        return (self.height_px + below) // STRIDE_PX, (self.width_px + right) // STRIDE_PX

    @property
    def scale_px(self) -> tuple[int, int, int, int]:
        """From a box [ymin, xmin, ymax, xmax] in fractions of the picture to pixels."""
        return self.height_px, self.width_px, self.height_px, self.width_px
