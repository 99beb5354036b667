"""What the figures were taken on."""

import datetime
import os
import pathlib
import platform
from importlib import metadata

_PACKAGES = ("tf-salience", "tensorflow", "keras", "numpy")


def describe() -> dict[str, str]:
    """The machine, the system, the versions, and the date."""
    found = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor() or "unknown",
        "cores": str(os.cpu_count()),
        "memory": _line("/proc/meminfo", "MemTotal") or "unknown",
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    if hasattr(os, "getloadavg"):
        found["load before"] = f"{os.getloadavg()[0]:.2f}"
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _line(file: str, key: str) -> str | None:
    """The value of the first line of a /proc file that starts with a key."""
    path = pathlib.Path(file)
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), None)
