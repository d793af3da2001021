"""Memory that Linux control groups (containers, batch systems) leave to this process.

A *control group* limits the memory of its processes and of the groups below it, so that the limit of every parent
counts, too. Version 2 has one tree of groups, version 1 one tree for each resource; a machine may have both. See the
Linux kernel's documentation, admin-guide/cgroup-v2 and admin-guide/cgroup-v1/memory.

Where a container sees only a part of the tree, the path in `/proc/self/cgroup` may lie outside it: folders that are not
there are passed over, and the top of what is seen is the container's own group.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

OWN_GROUPS, TREES = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
"""The file that lists the groups of this process, and the folder in which Linux shows the trees."""

VERSION_1 = ("memory.limit_in_bytes", "total_rss")
"""File of a group's limit in bytes, and what of `memory.stat` can't be freed: the process's own, not cached files."""

VERSION_2 = ("memory.max", "anon")
"""Likewise."""

NO_LIMIT = 2**62
"""Limits from here on are none: version 1 writes the largest number of whole pages that 63 bits hold."""


def group_bytes() -> int | None:
    """Memory in bytes that the control groups of this process have left; None if nothing limits it."""
    known = (_left(folder, *names) for folder, names in _groups())
    return min((left for left in known if left is not None), default=None)


def _groups() -> Iterator[tuple[Path, tuple[str, str]]]:
    """Folders of the groups of this process that may limit its memory, parents included, with the names to read."""
    try:
        lines = OWN_GROUPS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "no", "group"][:3]
        own = PurePosixPath(path.lstrip("/"))
        groups = [PurePosixPath()] if ".." in own.parts else [own, *own.parents]  # ".." leads out of what is seen
        if controllers == "":
            trees, names = (TREES, TREES / "unified"), VERSION_2
        elif "memory" in controllers.split(","):
            trees, names = (TREES / "memory", TREES / controllers), VERSION_1
        else:
            continue
        yield from ((tree / group, names) for tree in dict.fromkeys(trees) for group in groups)


def _left(folder: Path, limit_name: str, used_name: str) -> int | None:
    """Memory in bytes that one group has left; None if it has no limit, or the files do not say."""
    try:
        limit = (folder / limit_name).read_text(encoding="ascii").strip()
        if limit == "max" or int(limit) >= NO_LIMIT:
            return None
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        return int(limit) - int(dict(line.split() for line in lines)[used_name])
    except (OSError, ValueError, KeyError):
        return None
