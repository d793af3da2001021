"""`python apps/deploy -i SCAN -m BUNDLE -o OUT`, and what the packaged application runs."""

from __future__ import annotations

import sys

from app import main

sys.exit(main())
