"""Errors of sending results: with the destination as a whole, or with the objects of one study."""

from __future__ import annotations


class SendFailed(OSError):
    """The destination can't be reached, or takes nothing; results are kept, and sent again."""


class NotTaken(SendFailed):
    """The destination did not take an object of this study; those of others it may take."""
