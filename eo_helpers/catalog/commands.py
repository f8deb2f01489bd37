"""``eo-helpers data …``: what was downloaded, fetched for a commune, packed and opened."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .store import Removed

__all__ = ["COMMANDS", "list_cache"]

_JSON = click.option("--json", "as_json", is_flag=True, help="Réponse en JSON.")


def size_words(size: int) -> str:
    """Bytes as a person reads them, in French units."""
    from ..text import number

    for unit, factor in (("Go", 1e9), ("Mo", 1e6), ("ko", 1e3)):
        if size >= factor:
            return f"{number(round(size / factor, 1))} {unit}"
    return f"{size} octets"


def list_cache(as_json: bool) -> None:
    """Print every copy: data set, file, size, age, edition, licence, address."""
    from ..cli import emit, say
    from .store import Store, limit_bytes

    store = Store()
    copies = store.all()
    if as_json:
        emit([{**asdict(k), "path": str(store.path(k))} for k in copies])
        return
    for k in copies:
        days = int(k.age_days)
        age = "aujourd'hui" if days < 1 else f"il y a {days} j"
        click.echo(
            f"{size_words(k.size):>10}  {k.dataset:<16} {k.name}  lu {age} ; {k.edition} ; "
            f"{k.licence} ; {k.url}"
        )
    total = sum({k.sha256: k.size for k in copies}.values())
    say(
        f"{len(copies)} copies, {size_words(total)} sur {size_words(limit_bytes())} au plus.",
        f"{len(copies)} copies, {total / 1e9:.2f} GB of {limit_bytes() / 1e9:.1f} GB at most.",
    )


def _tell(removed: list[Removed], as_json: bool, fr: str, en: str) -> None:
    from ..cli import _language, emit, say

    if as_json:
        emit([asdict(r) for r in removed])
        return
    for r in removed:
        click.echo(f"{size_words(r.size):>10}  {r.name} : {r.en if _language() == 'en' else r.fr}")
    if not removed:
        say(fr, en)


@click.command("check")
@_JSON
def check(as_json: bool) -> None:
    """Recalcule l'empreinte de chaque copie et retire ce qui est abîmé."""
    from .store import Store

    removed = Store().check()
    _tell(removed, as_json, "Toutes les copies sont entières.", "Every copy is whole.")
    if any(r.fr.startswith("abîmé") for r in removed):
        raise click.exceptions.Exit(2)


@click.command("prune")
@click.option("--keep-gb", type=click.FloatRange(min=0), help="Gigaoctets à garder au plus.")
@_JSON
def prune(keep_gb: float | None, as_json: bool) -> None:
    """Retire les copies les moins récemment utilisées, et dit lesquelles."""
    from .store import Store

    removed = Store().prune(None if keep_gb is None else int(keep_gb * 1e9))
    _tell(removed, as_json, "Rien à retirer.", "Nothing to remove.")


COMMANDS: dict[str, Any] = {"check": check, "prune": prune}
