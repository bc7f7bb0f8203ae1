"""The International Clinical Diabetic Retinopathy severity scale, as findings and the grade they make.

Source: C. P. Wilkinson, F. L. Ferris, R. E. Klein et al., "Proposed international clinical diabetic
retinopathy and diabetic macular edema disease severity scales", Ophthalmology 110(9), 2003, 1677-1682,
doi:10.1016/S0161-6420(03)00475-5.
"""

from dataclasses import dataclass

import numpy as np

GRADES = 5


@dataclass(frozen=True, slots=True)
class Findings:
    """What an examiner would count in one photograph."""

    microaneurysms: int = 0
    haemorrhages: tuple[int, int, int, int] = (0, 0, 0, 0)  # intraretinal, in each quadrant
    exudate_clusters: int = 0
    cotton_wool_spots: int = 0
    beaded_quadrants: frozenset[int] = frozenset()  # venous beading
    irma_quadrants: frozenset[int] = frozenset()  # intraretinal microvascular abnormalities
    new_vessels_on_disc: bool = False
    new_vessels_elsewhere: int = 0
    preretinal_haemorrhages: int = 0


def icdr_grade(findings: Findings) -> int:
    """The grade 0..4 of a photograph (Wilkinson et al. 2003, table 2).

    4 is neovascularisation or a preretinal haemorrhage. 3 is the "4-2-1 rule": more than 20 intraretinal
    haemorrhages in each of four quadrants, or venous beading in two, or IRMA in one. 2 is more than
    microaneurysms but less than 3. 1 is microaneurysms only.
    """
    if findings.new_vessels_on_disc or findings.new_vessels_elsewhere or findings.preretinal_haemorrhages:
        return 4
    if min(findings.haemorrhages) > 20 or len(findings.beaded_quadrants) >= 2 or findings.irma_quadrants:
        return 3
    if (
        any(findings.haemorrhages)
        or findings.exudate_clusters
        or findings.cotton_wool_spots
        or findings.beaded_quadrants
    ):
        return 2
    return 1 if findings.microaneurysms else 0


def random_findings(grade: int, rng: np.random.Generator) -> Findings:
    """Findings that make `grade`, 0..4, on the scale; ValueError for any other grade."""
    if grade == 0:
        return Findings()
    if grade == 1:
        return Findings(microaneurysms=int(rng.integers(4, 15)))
    if grade == 2:
        return _moderate(rng)
    if grade == 3:
        return _severe(rng)
    if grade == 4:
        return _proliferative(rng)
    raise ValueError(f"grade is {grade}; the scale has the grades 0 to {GRADES - 1}")


def _moderate(rng: np.random.Generator) -> Findings:
    return Findings(
        microaneurysms=int(rng.integers(6, 22)),
        haemorrhages=_in_each_quadrant(rng, 1, 1 + int(rng.integers(2, 9))),
        exudate_clusters=int(rng.integers(0, 4)),
        cotton_wool_spots=int(rng.random() < 0.25),
    )


def _severe(rng: np.random.Generator) -> Findings:
    """Fulfils one of the three rules, or several: not every severe eye bleeds in all quadrants."""
    rule = rng.choice(("haemorrhages", "vessels", "both"), p=(0.4, 0.25, 0.35))
    beaded = irma = 0
    if rule != "haemorrhages":
        beaded, irma = int(rng.integers(2, 5)), int(rng.integers(1, 4))
    low, high = (10, 19) if rule == "vessels" else (21, 34)
    return Findings(
        microaneurysms=int(rng.integers(10, 30)),
        haemorrhages=_in_each_quadrant(rng, low, high),
        exudate_clusters=int(rng.integers(0, 5)),
        cotton_wool_spots=int(rng.integers(0, 6)),
        beaded_quadrants=_some_quadrants(rng, beaded),
        irma_quadrants=_some_quadrants(rng, irma),
    )


def _proliferative(rng: np.random.Generator) -> Findings:
    """New vessels or preretinal blood, over anything from a moderate to a severe background."""
    on_disc = bool(rng.random() < 0.5)
    elsewhere = int(rng.integers(0 if on_disc else 1, 4))
    preretinal = int(rng.integers(0, 3)) if rng.random() < 0.6 else 0
    low = int(rng.integers(0, 22))
    return Findings(
        microaneurysms=int(rng.integers(4, 26)),
        haemorrhages=_in_each_quadrant(rng, low, low + 10),
        exudate_clusters=int(rng.integers(0, 4)),
        cotton_wool_spots=int(rng.integers(0, 4)),
        beaded_quadrants=_some_quadrants(rng, int(rng.integers(0, 4))),
        new_vessels_on_disc=on_disc,
        new_vessels_elsewhere=elsewhere,
        preretinal_haemorrhages=preretinal,
    )


def _in_each_quadrant(rng: np.random.Generator, low: int, high: int) -> tuple[int, int, int, int]:
    first, second, third, fourth = (int(count) for count in rng.integers(low, high + 1, 4))
    return first, second, third, fourth


def _some_quadrants(rng: np.random.Generator, how_many: int) -> frozenset[int]:
    return frozenset(int(quadrant) for quadrant in rng.permutation(4)[:how_many])
