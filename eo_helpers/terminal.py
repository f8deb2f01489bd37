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
    """A progress bar on standard error, only where a person is watching."""
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    bar = tqdm(total=100, bar_format="{desc:<44}{percentage:3.0f} % |{bar}|", file=sys.stderr)

    def step(label: str, fraction: float) -> None:
        bar.set_description_str(label, refresh=False)
        bar.n = round(100 * min(max(fraction, 0.0), 1.0))
        bar.refresh()
        if fraction >= 1.0:
            bar.close()

    return step
