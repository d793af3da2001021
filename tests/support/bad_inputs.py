"""The catalogue of bad and awkward inputs: what must be refused, by family, and what must be accepted."""

from __future__ import annotations

from awkward_inputs import ACCEPTED, UNNOTICED
from bad_headers import CHOICES, GEOMETRY, HEADERS, KINDS, PATHS
from bad_pixels import PIXELS, VALUES
from bad_volumes import NIFTI

FAMILIES = (PATHS, HEADERS, KINDS, CHOICES, GEOMETRY, VALUES, PIXELS, NIFTI)
"""What is refused, by what is wrong."""

REFUSED = [case for family in FAMILIES for case in family]

CASES = [*REFUSED, *ACCEPTED, *UNNOTICED]
