"""Linux's control groups, by which a process and all its children are held to some memory and processor time.

There are two versions of them, and a machine may have both (cgroups(7); the kernel's admin-guide/cgroup-v1 and
cgroup-v2). A group is made below the one that this process is in itself; in version 2, where a group with processes has
none below it that are held to anything, it is made beside it. Where neither may be done there is no group.
"""

import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

PERIOD_US = 20_000  # of the quota: with a longer one, a prediction of some milliseconds would seldom meet its end
MEMBERS = "cgroup.procs"
_REMOVE_TRIES = 50
_MEMORY = {1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), 2: ("memory.max", "memory.swap.max")}
_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)

Settings = Sequence[tuple[str, str]]
"""What is written into the files of a group."""


@dataclass(frozen=True, slots=True)
class Controller:
    """What a version of control groups knows of a resource."""

    name: str
    version: int
    folder: Path
    """Where groups that it holds can be made."""
    limits_swap: bool = True

    def memory(self, most_bytes: int) -> Settings:
        """No more of it, and nothing beside it on a disk."""
        most = str(most_bytes)
        ram, swap = _MEMORY[self.version]
        return [(ram, most), (swap, "0" if self.version == 2 else most)] if self.limits_swap else [(ram, most)]

    def processors(self, share: float) -> Settings:
        """`share` of one, or of several."""
        quota = str(round(share * PERIOD_US))
        if self.version == 2:
            return [("cpu.max", f"{quota} {PERIOD_US}")]
        return [("cpu.cfs_period_us", str(PERIOD_US)), ("cpu.cfs_quota_us", quota)]


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of any process that is started with them: one in each folder, of its own, called by its id."""

    settings: Mapping[Path, Settings]

    def of(self, pid: int) -> Sequence[Path]:
        """Where those of the process `pid` are, while they are there."""
        return [folder / group_name(pid) for folder in self.settings]

    def memory_kills(self, pid: int) -> int:
        """How often the kernel has ended a process of the group because it wanted more memory."""
        return sum(_kills(group) for group in self.of(pid))

    def remove(self, pid: int) -> None:
        """Ends what is left in the groups of a process that has ended, and removes them."""
        for group in self.of(pid):
            _remove(group)

    def remove_abandoned(self) -> None:
        """Removes the groups of processes that are gone, which somebody was kept from removing."""
        for folder in self.settings:
            for group in folder.glob(group_name("*")):
                if not Path("/proc", group.name.rpartition("-")[2]).exists():
                    with suppress(OSError):  # somebody's child is in it still
                        group.rmdir()


def group_name(pid: int | str) -> str:
    """Of the group of a process."""
    return f"fovea-{pid}"


@cache
def controllers() -> Mapping[str, Controller]:
    """Where groups can be made that memory and cpu hold, by these names; one for which there is no place is left out.

    Of version 2 a process is in one group only. What holds in a group holds in those around it too (top-down
    constraint), so the outermost of two places does for both.
    """
    found = {name: place for name in ("memory", "cpu") if (place := _find(name)) is not None}
    of_two = [place.folder for place in found.values() if place.version == 2]
    outermost = min(of_two, key=lambda folder: len(folder.parts), default=None)
    return {
        name: replace(place, folder=outermost) if outermost and place.version == 2 else place
        for name, place in found.items()
    }


def _find(controller: str) -> Controller | None:
    own = {name: path for _, names, path in _own_groups() for name in names.split(",")}
    for kind, options, root, mount in _mounts():
        if kind == "cgroup" and controller in options.split(",") and controller in own:
            places = [mount / os.path.relpath(own[controller], root)]
            version = 1
        elif kind == "cgroup2" and "" in own:
            folder = mount / os.path.relpath(own[""], root)
            places = [place for place in (folder, *folder.parents) if place.is_relative_to(mount)]
            version = 2
        else:
            continue
        for place in places:
            found = _tried(Controller(controller, version, place))
            if found is not None:
                return found
    return None


def _own_groups() -> list[tuple[str, str, str]]:
    """(hierarchy, its controllers, path), as cgroups(7) describes /proc/self/cgroup; version 2 names no controllers."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [(number, names, path) for number, names, path in (line.split(":", 2) for line in lines)]


def _mounts() -> list[tuple[str, str, str, Path]]:
    """(type, options of the file system, what of it is mounted, where), as proc(5) describes mountinfo."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        mount, _, system = line.partition(" - ")
        kind, _, options = system.split(" ", 2)
        if kind.startswith("cgroup"):
            found.append((kind, options, mount.split()[3], Path(mount.split()[4])))
    return found


def _tried(controller: Controller) -> Controller | None:
    """The same, if a group can be made there, held to something, joined and removed."""
    trial = controller.folder / f"fovea-trial-{os.getpid()}"
    try:
        trial.mkdir()
    except OSError:
        return None
    try:
        found = replace(controller, limits_swap=(trial / _MEMORY[controller.version][1]).exists())
        harmless = found.memory(2**40) if found.name == "memory" else found.processors(1.0)
        for name, value in harmless:
            (trial / name).write_text(value, encoding="ascii")
        return found if os.access(controller.folder / MEMBERS, os.W_OK) else None
    except OSError:
        return None
    finally:
        _remove(trial)


def _kills(group: Path) -> int:
    for name in ("memory.oom_control", "memory.events"):
        with suppress(OSError):
            found = _KILLS.search((group / name).read_text(encoding="ascii"))
            return int(found[1]) if found else 0
    return 0


def _remove(group: Path) -> None:
    for _ in range(_REMOVE_TRIES):
        with suppress(OSError, ValueError):  # gone meanwhile
            for pid in map(int, (group / MEMBERS).read_text(encoding="ascii").split()):
                if pid:  # 0 is one that this process has no number for
                    os.kill(pid, signal.SIGKILL)
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:  # whoever was killed has not left yet
            time.sleep(0.01)
        else:
            return
