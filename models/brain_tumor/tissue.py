"""How bright each tissue is, by the weighting of the sequence, from black 0 to white 1.

What is bright in one weighting is dark in another, so brightness alone never tells a tumour.
"""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, slots=True)
class Shades:
    """The brightness of the tissues in one sequence."""

    scalp: float
    bone: float
    fluid: float
    grey_matter: float
    white_matter: float
    vessel: float
    oedema: float
    mass: float
    mass_rim: float
    necrosis: float


_SEQUENCES = (
    #      scalp bone  fluid grey  white vessel oedema mass  rim   necrosis
    Shades(0.85, 0.12, 0.14, 0.44, 0.60, 0.25, 0.36, 0.33, 0.42, 0.20),  # T1
    Shades(0.85, 0.12, 0.14, 0.42, 0.56, 0.90, 0.34, 0.62, 0.92, 0.22),  # T1 with contrast agent
    Shades(0.65, 0.10, 0.92, 0.60, 0.42, 0.12, 0.82, 0.70, 0.62, 0.92),  # T2
    Shades(0.60, 0.10, 0.14, 0.56, 0.46, 0.20, 0.82, 0.70, 0.80, 0.35),  # FLAIR
)
_SHARES = (0.2, 0.4, 0.2, 0.2)
_SCATTER = 0.035  # between scanners and patients


def random_shades(rng: np.random.Generator) -> Shades:
    """A sequence, a little different each time."""
    sequence = _SEQUENCES[rng.choice(len(_SEQUENCES), p=_SHARES)]
    return Shades(*(getattr(sequence, field.name) + rng.normal(0, _SCATTER) for field in fields(Shades)))
