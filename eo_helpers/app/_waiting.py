"""The page for those who come when every session is taken: calm, and it tries again by itself."""

from __future__ import annotations

import random

__all__ = ["WAIT", "waiting_page"]

#: Seconds between two tries, the shortest and the longest: not everybody at once.
WAIT = (8, 15)


def waiting_page(lang: str = "fr") -> tuple[str, int]:
    """The page, and in how many seconds it asks again."""
    seconds = random.randint(*WAIT)
    words = {
        "fr": (
            "Beaucoup de monde en ce moment",
            "Toutes les places sont prises. Cette page s'ouvrira d'elle-même dès qu'une place se "
            "libère, en général en moins d'une minute : vous pouvez la laisser ouverte.",
            "Il n'y a rien à faire, et rien n'est perdu.",
            "Essayer maintenant",
        ),
        "en": (
            "Many visitors right now",
            "Every place is taken. This page will open by itself as soon as one is free, usually "
            "within a minute: you can leave it open.",
            "There is nothing to do, and nothing is lost.",
            "Try now",
        ),
    }[lang]
    title, what, calm, again = words
    page = (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{seconds}"><link rel="icon" href="data:,">'
        f"<title>{title} – Ma commune vue par satellite</title>"
        "<style>body{max-width:720px;margin:0 auto;padding:24px 16px;color:#161616;"
        'font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}'
        "h1{font-size:1.5rem;line-height:1.25}a{color:#000091}</style></head><body><main>"
        f'<h1>{title}</h1><p role="status">{what}</p><p>{calm}</p>'
        f'<p><a href="">{again}</a></p></main></body></html>'
    )
    return page, seconds
