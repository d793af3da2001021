"""`python apps/deploy -i SCAN -m BUNDLE -o OUT`; the packaged application runs it too."""

from __future__ import annotations

import sys

from app import main

sys.exit(main())
