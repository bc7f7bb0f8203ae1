"""What the engines' work for GPUs gains: beside a plain eager loop, on the same device, network and pictures."""

import sys

from models.registry import ROOT

sys.path.insert(0, str(ROOT / "containers"))
