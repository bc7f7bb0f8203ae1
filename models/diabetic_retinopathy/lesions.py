"""Draws what an examiner found: each lesion with the size, shape and place it has on a retina.

A field of view of 45 degrees is about 13 mm of retina, so one field unit is about 6.5 mm. A true
microaneurysm (up to 0.125 mm) would be a third of a pixel at 224 pixels; here they are drawn at the upper
end, about one pixel in radius, because a smaller one does not survive the resize.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from models.diabetic_retinopathy.canvas import Frame, Ink, Points
from models.diabetic_retinopathy.eye import Eye
from models.diabetic_retinopathy.icdr import Findings


@dataclass(frozen=True, slots=True)
class LesionInks:
    """The layers that lesions are painted on, by what they look like."""

    blood: Ink = field(default_factory=Ink)
    exudate: Ink = field(default_factory=Ink)  # lipid: yellow, sharp
    wool: Ink = field(default_factory=Ink)  # swollen nerve fibres: white, soft


@dataclass(frozen=True, slots=True)
class LesionPainter:
    """Paints findings on one eye. Only where the frame shows it, so that the grade can be seen."""

    eye: Eye
    frame: Frame
    rng: np.random.Generator

    def paint(self, findings: Findings) -> LesionInks:
        """Every finding, on fresh layers."""
        inks = LesionInks()
        for place in self._places(findings.cotton_wool_spots, 0.75):
            self._cotton_wool_spot(place, inks.wool)
        for place in self._places(findings.exudate_clusters, 0.65):
            self._exudate_cluster(place, inks.exudate)
        for place in self._places(findings.microaneurysms, 0.8):
            radius = self.rng.uniform(0.010, 0.015)
            inks.blood.ellipse(place, radius, radius, int(self.rng.integers(160, 245)))
        for quadrant, count in enumerate(findings.haemorrhages):
            for place in self._places(count, 0.92, quadrant):
                self._haemorrhage(place, inks.blood)
        for quadrant in findings.irma_quadrants:
            for place in self._places(int(self.rng.integers(1, 4)), 0.8, quadrant):
                self._tangle(place, reach=0.08, strands=3, darkest=150, ink=inks.blood)
        for place in self._places(findings.new_vessels_elsewhere, 0.75):
            self._new_vessels(place, self.rng.uniform(0.18, 0.32), inks)
        if findings.new_vessels_on_disc:
            reach = self.eye.disc_radius * self.rng.uniform(1.2, 2.0)
            self._new_vessels(np.array(self.eye.disc), reach, inks)
        for place in self._places(findings.preretinal_haemorrhages, 0.65):
            self._preretinal_haemorrhage(place, inks.blood)
        return inks

    def _places(self, count: int, reach: float, quadrant: int | None = None) -> Points:
        """`count` visible points [count, 2], off the disc; in one quadrant of the field, or in any."""
        found = np.empty((0, 2))
        while len(found) < count:
            tries = 4 * count + 8
            distance = reach * np.sqrt(self.rng.random(tries))
            if quadrant is None:
                angle = self.rng.uniform(0, 2 * math.pi, tries)
            else:  # counted as the trunk vessels are: 0 and 1 temporal, 2 and 3 nasal
                side = 1 if quadrant % 2 else -1
                start = 0 if quadrant < 2 else math.pi / 2
                angle = self.eye.axis + side * self.rng.uniform(start, start + math.pi / 2, tries)
            points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * distance[:, None]
            off_disc = np.hypot(*(points - self.eye.disc).T) > 1.25 * self.eye.disc_radius
            found = np.concatenate([found, points[off_disc & self.frame.shows(points)]])
        return found[:count]

    def _haemorrhage(self, place: Points, ink: Ink) -> None:
        kind, density = self.rng.random(), int(self.rng.integers(130, 230))
        if kind < 0.7:
            radius = self.rng.uniform(0.015, 0.025)
            ink.ellipse(place, radius * self.rng.uniform(0.8, 1.2), radius, density)
        elif kind < 0.88:
            ink.blob(place, self.rng.uniform(0.025, 0.05), self.rng, density)
        else:
            self._flame(place, ink, density)

    def _flame(self, place: Points, ink: Ink, density: int) -> None:
        """A haemorrhage in the nerve fibre layer: streaks along the fibres, which run from the disc."""
        fibres = place - self.eye.disc
        along = fibres / np.hypot(*fibres)
        across = np.array([-along[1], along[0]])
        for offset in self.rng.uniform(-0.02, 0.02, 5):
            middle = place + across * offset + along * self.rng.uniform(-0.02, 0.02)
            half = along * self.rng.uniform(0.02, 0.05)
            ink.line(np.array([middle - half, middle + half]), 0.012, density)

    def _exudate_cluster(self, place: Points, ink: Ink) -> None:
        """Small sharp deposits, in a patch or in a ring around a leak."""
        deposits = int(self.rng.integers(5, 26))
        spread = self.rng.uniform(0.05, 0.14)
        if self.rng.random() < 0.35:
            angle = self.rng.uniform(0, 2 * math.pi, deposits)
            offsets = np.stack([np.cos(angle), np.sin(angle)], axis=1) * spread
            offsets += self.rng.normal(0, 0.012, offsets.shape)
        else:
            offsets = self.rng.normal(0, spread * 0.55, (deposits, 2))
        for offset in offsets:
            radius = self.rng.uniform(0.006, 0.017)
            ink.ellipse(place + offset, radius * self.rng.uniform(0.8, 1.5), radius, int(self.rng.integers(140, 240)))

    def _cotton_wool_spot(self, place: Points, ink: Ink) -> None:
        for _ in range(4):
            lobe = place + self.rng.normal(0, 0.02, 2)
            ink.blob(lobe, self.rng.uniform(0.025, 0.05), self.rng, int(self.rng.integers(90, 170)))

    def _new_vessels(self, place: Points, reach: float, inks: LesionInks) -> None:
        """A dense fan of fine vessels, sometimes on a pale sheet of fibrous tissue."""
        if self.rng.random() < 0.4:
            inks.wool.blob(place, reach * 0.7, self.rng, int(self.rng.integers(40, 110)))
        self._tangle(place, reach, strands=int(self.rng.integers(12, 24)), darkest=235, ink=inks.blood)

    def _tangle(self, place: Points, reach: float, strands: int, darkest: int, ink: Ink) -> None:
        """Fine vessels that coil where no vessel should grow."""
        steps = 14
        for heading in self.rng.uniform(0, 2 * math.pi, strands):
            curl = self.rng.choice((-1, 1)) * self.rng.uniform(0.08, 0.3)
            angles = heading + curl * np.arange(steps) + np.cumsum(self.rng.normal(0, 0.35, steps))
            step = reach * self.rng.uniform(0.5, 1.2) * 1.8 / steps
            path = place + np.cumsum(np.stack([np.cos(angles), np.sin(angles)], axis=1), axis=0) * step
            ink.line(path, self.rng.uniform(0.006, 0.011), int(self.rng.integers(darkest - 70, darkest)))

    def _preretinal_haemorrhage(self, place: Points, ink: Ink) -> None:
        """Blood that sinks before the retina: a boat with a level surface."""
        radius, depth = self.rng.uniform(0.12, 0.3), self.rng.uniform(0.6, 1.0)
        angle = np.linspace(0, math.pi, 24)
        ripple = 1 + 0.03 * np.sin(angle * self.rng.uniform(2, 9))
        boat = np.stack([np.cos(angle), np.sin(angle) * depth], axis=1) * (radius * ripple)[:, None]
        ink.polygon(place + boat, int(self.rng.integers(215, 256)))
