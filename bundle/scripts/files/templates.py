"""Pages from Jinja templates, whose values are escaped unless they are marked as markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def rendered(template: Path, **values: Any) -> str:
    """The text of a template file with its values; files that it includes stand beside it.

    Raises:
        jinja2.UndefinedError: the template names a value that is not given.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(template.parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template.name).render(values)
