"""What AWS gives a server of memory and processors, and how this machine holds one to it: `python -m local --emulate`.

Told in plain sentences, so that nobody takes what was measured here for more than it is.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from local.control_groups import Controller, Groups, controllers, group_name
from local.launch import Launch
from models.instances import has_gpu, size

MB_OF_A_VCPU = 1769  # Lambda developer guide, "Configure Lambda function memory"
_MIB = 2**20
_START = Path(__file__).with_name("bounded_start.py")
_ASSUMED = (
    "SageMaker says only that the vCPUs of a serverless endpoint grow with its memory: one for each "
    f"{MB_OF_A_VCPU} MB, as Lambda has it, is assumed."
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What each process of a server, or each of its environments, is held to, and `told` about it."""

    told: Sequence[str]
    memory_mb: int | None
    """What AWS gives it; None where that is not known."""
    vcpus: float | None
    cores: Sequence[int] = ()
    data_bytes: int | None = None
    groups: Groups | None = None

    def hold(self, launch: Launch) -> Launch:
        """`launch`, held to them."""
        if not (self.groups or self.cores or self.data_bytes):
            return launch
        given = {
            "groups": {str(folder): each for folder, each in self.groups.settings.items()} if self.groups else {},
            "name": group_name("{}"),
            "cores": self.cores,
            "data_bytes": self.data_bytes,
        }
        command = [sys.executable, "-I", "-S", _START, json.dumps(given), *launch.command]
        return replace(launch, command=command, groups=self.groups)


def bounds_of(kind: str, memory_mb: int | None, instance_type: str | None) -> Bounds:
    """Of an endpoint of that kind, with that memory or on that type of instance, on this machine."""
    told = []
    if instance_type is not None:
        found = size(instance_type)
        memory_mb, vcpus = (found.memory_mb, float(found.vcpus)) if found else (None, None)
        told = _of_instance(instance_type)
    else:
        vcpus = None if memory_mb is None else memory_mb / MB_OF_A_VCPU
        told = [_ASSUMED] if kind == "serverless" else []
    if not sys.platform.startswith("linux"):
        return Bounds([*told, "Neither memory nor processors are held to anything: only Linux can."], memory_mb, vcpus)
    memory, processors = (controllers().get(name) for name in ("memory", "cpu"))
    settings: dict[Path, list[tuple[str, str]]] = {}
    if memory_mb is not None and memory is not None:
        settings.setdefault(memory.folder, []).extend(memory.memory(memory_mb * _MIB))
    cores = _cores(vcpus)
    if vcpus is not None and vcpus % 1 and processors is not None and vcpus < len(os.sched_getaffinity(0)):
        settings.setdefault(processors.folder, []).extend(processors.processors(vcpus))
    told += [*_of_memory(memory_mb, memory), *_of_processors(vcpus, processors)]
    return Bounds(
        told,
        memory_mb,
        vcpus,
        cores,
        memory_mb * _MIB if memory_mb is not None and memory is None else None,
        Groups(settings) if settings else None,
    )


def _cores(vcpus: float | None) -> Sequence[int]:
    """As many of this machine's, from the last: the local run itself, and whoever asks it, begin with the first."""
    ours = sorted(os.sched_getaffinity(0))
    return ours if vcpus is None else ours[-ceil(vcpus) :]


def _of_instance(instance_type: str) -> list[str]:
    told = [f"The processors of {instance_type} are not emulated, only their number: a core of this machine is a vCPU."]
    if size(instance_type) is None:
        told = [f"How large {instance_type} is does not follow from its name: it has all of this machine."]
    if has_gpu(instance_type):
        told.append(f"{instance_type} has a GPU, which is not emulated: its server runs on processors alone.")
    return told


def _of_memory(memory_mb: int | None, controller: Controller | None) -> list[str]:
    if memory_mb is None:
        return []
    here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB
    if memory_mb > here:
        return [f"Of {memory_mb:,} MB of memory this machine has {here:,}."]
    if controller is None:
        return [
            f"{memory_mb:,} MB of memory are what each process of the server may have for its data (RLIMIT_DATA), not "
            "what all may have together: no control group can be made here."
        ]
    return [
        f"{memory_mb:,} MB of memory are all that the server gets, by a control group of version {controller.version}."
    ]


def _of_processors(vcpus: float | None, controller: Controller | None) -> list[str]:
    if vcpus is None:
        return []
    here = len(os.sched_getaffinity(0))
    if vcpus > here:
        return [f"Of {vcpus:.3g} vCPUs this machine has {here}."]
    cores = f"{ceil(vcpus)} of this machine's {here} cores"
    if not vcpus % 1:
        return [f"{vcpus:.0f} vCPUs are {cores}."]
    if controller is None:
        return [f"{vcpus:.2f} vCPUs are {cores}, whole: no control group can be made here that divides one."]
    return [
        f"{vcpus:.2f} vCPUs are that share of {cores}, by the quota of a control group of version {controller.version}."
    ]
