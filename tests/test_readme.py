"""The README's own commands work as they are written."""

import json
import os
import re
import subprocess

from models.registry import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_request_in_the_readme_gives_a_grade(local):
    [command] = re.findall(r"^    (curl .*(?:\n        .*)*)", README, re.MULTILINE)
    command = command.replace("http://127.0.0.1:8000", local.url)
    done = subprocess.run(
        ["bash", "-c", f"{command} --silent"],
        cwd=ROOT,
        env={**os.environ, "KEY": local.key},
        capture_output=True,
        text=True,
        check=True,
    )
    content = json.loads(done.stdout)
    assert len(content["predictions"]) == 5
    assert content["notice"]


def test_every_make_target_in_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z-]+)", README))
    assert {"local", "test"} <= named
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_make_help_lists_every_target_with_a_line():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^  make ([\w-]+) +\S+", done.stdout, re.MULTILINE)
    assert {"local", "test", "check", "synth", "bench"} <= set(listed)


def test_the_layout_in_the_readme_is_the_repository():
    rooms = re.findall(r"^    ([a-z_]+)/ ", README, re.MULTILINE)
    assert len(rooms) >= 7
    assert all((ROOT / room).is_dir() for room in rooms)
