"""Measure everything, and write the report: python tests/benchmarks."""

import platform
from importlib.metadata import version
from pathlib import Path

import load
import lookup
import reloading
import soak
from measure import reported

import sending

load.main()
lookup.main()
sending.main()
reloading.main()
soak.main()

names = ("requests", "urllib3", "pydantic", "tomli")
versions = ", ".join(f"{name} {version(name)}" for name in names)
head = f"""# What was measured

By `python tests/benchmarks`, side by side in one run, as ratios where nothing else is said: Python
{platform.python_version()}, {versions}.

| what | measured | expected |
| --- | --- | --- |
"""
rows = "\n".join(reported)
Path(__file__).with_name("REPORT.md").write_text(f"{head}{rows}\n", "utf-8")
