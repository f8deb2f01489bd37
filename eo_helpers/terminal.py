"""What every command says on a terminal: messages, JSON, progress.

JSON goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import click

__all__ = ["emit", "language", "progress", "say"]


def language() -> str:
    """``"fr"``, or ``"en"`` where ``EO_HELPERS_LANG`` asks for it."""
    return "en" if os.environ.get("EO_HELPERS_LANG", "fr").lower().startswith("en") else "fr"


def say(fr: str, en: str) -> None:
    """One message to the person at the terminal, on standard error."""
    click.echo(en if language() == "en" else fr, err=True)


def emit(value: Any) -> None:
    """JSON on standard output (UTF-8, no NaN)."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.buffer.write(text.encode("utf-8") + b"\n")
    sys.stdout.flush()


def progress() -> Callable[[str, float], None] | None:
    """A progress bar on standard error, only where a person is watching; gone when done."""
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    bars: list[Any] = []

    def step(label: str, fraction: float) -> None:
        if not bars:  # none is shown before there is something to tell
            form = "{desc:<44}{percentage:3.0f} % |{bar}|"
            bars.append(tqdm(total=100, bar_format=form, file=sys.stderr, leave=False))
        bars[0].set_description_str(label, refresh=False)
        bars[0].n = round(100 * min(max(fraction, 0.0), 1.0))
        bars[0].refresh()
        if fraction >= 1.0:
            bars.pop().close()

    return step
