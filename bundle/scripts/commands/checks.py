"""What commands see to before their minutes or hours of work: the device, and names that become part of a config.

What is wrong with them is wrong usage: one sentence, and exit code 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..assets import bundle_root, config
from ..findings import PathMissing

SPECIAL = "$@%#"
"""Letters that MONAI's configs give a meaning: an expression, a reference, a macro, an id in an id."""


def check_device(name: str) -> None:
    """See that there is such a device, `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        PathMissing: there is not.
    """
    if not name.startswith("cuda"):
        return
    import torch

    count = torch.cuda.device_count()
    if int(name.partition(":")[2] or 0) >= count:
        raise PathMissing(
            f"There is no device {name}: PyTorch sees {count} GPUs here. Use --device cpu, or leave it out."
        )


def check_plain(names: Iterable[str]) -> None:
    """See that names can become texts of a config, which would take some for expressions or references.

    Raises:
        PathMissing: one can't.
    """
    for name in names:
        if set(name) & set(SPECIAL) or "::" in name:
            raise PathMissing(f"{name!r} has one of {SPECIAL} in it, which configs give a meaning. Rename that file.")


def parsed_configs(names: Iterable[str]) -> Any:
    """MONAI's parser of configs of the bundle, the later over the earlier; nothing of them is made yet."""
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config([str(config(name)) for name in names])
    parser["bundle_root"] = str(bundle_root())
    return parser
