"""The stylesheet of everything that views write."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["style"]


@cache
def style() -> str:
    """``views/style.css`` as text."""
    return files(__package__).joinpath("style.css").read_text(encoding="utf-8")
