"""``eo-helpers data …``: what was downloaded, fetched for a commune, packed and opened."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..terminal import emit, language, progress, say

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


def open_source(source: str | None, data: tuple[Path, ...]) -> Any:
    """The source that ``--source`` and ``--data`` name: the demonstration by default."""
    from . import open_source as opened

    name = source or ("files" if data else "demo")
    return opened(name, list(data) or None, progress=progress())


def list_cache(as_json: bool) -> None:
    """Print every copy: data set, file, size, age, edition, licence, address."""
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
    if as_json:
        emit([asdict(r) for r in removed])
        return
    for r in removed:
        click.echo(f"{size_words(r.size):>10}  {r.name} : {r.en if language() == 'en' else r.fr}")
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


@click.command("fetch")
@click.argument("commune")
@click.option("--dataset", "datasets", multiple=True, help="Jeu de données (répétable).")
@click.option("--since", help="Lumières nocturnes depuis ce mois (AAAA-MM) ; demande un compte.")
@_JSON
def fetch(commune: str, datasets: tuple[str, ...], since: str | None, as_json: bool) -> None:
    """Va chercher tout ce qui est ouvert sur une COMMUNE, thème par thème."""
    from . import fetching
    from .stac import about, title
    from .store import Store

    for name in datasets:
        about(name)  # a wrong name is said before anyone is asked
    place = fetching.commune_of(commune, progress())
    lang = language()
    say(f"{place.name} ({place.insee})", f"{place.name} ({place.insee})")

    def told(found: fetching.Fetched) -> None:
        if as_json:
            return
        state = fetching.STATES[found.state][lang]
        size = f", {size_words(found.size)}" if found.size else ""
        read = f", lu le {found.read_at[:10]}" if found.read_at else ""
        why = f" : {found.told[lang]}" if found.told else ""
        theme = "/".join(found.themes) or "cartes"
        click.echo(f"{theme:<18} {title(found.dataset)[lang]} — {state}{size}{read}{why}")

    from ..lighting.provider import provider
    from .online import providers

    store = Store()
    out = []
    for one in [*providers(), provider(since)]:  # each with a progress bar of its own
        out += fetching.fetch(
            place, store, datasets=datasets, progress=progress(), told=told, asked=[one]
        )
    if as_json:
        emit({"commune": place.to_dict(), "datasets": [f.to_dict() for f in out]})
    if not any(f.files for f in out):
        raise click.exceptions.Exit(3)


@click.command("pack")
@click.option("--commune", "communes", multiple=True, help="Nom ou code INSEE (répétable).")
@click.option("--epci", help="Code de l'intercommunalité : toutes ses communes.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Fichier .eopack."
)
@click.option("--source", type=click.Choice(["demo", "files", "online"]), default=None)
@click.option("--data", multiple=True, type=click.Path(path_type=Path), help="Dossier (répétable).")
@_JSON
def pack(
    communes: tuple[str, ...],
    epci: str | None,
    output: Path,
    source: str | None,
    data: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Réunit ce que la source a d'un territoire en un seul fichier, pour une salle sans réseau."""
    from .. import catalog
    from ..errors import InvalidInput
    from .packing import write_pack
    from .packs import SUFFIX

    if output.suffix.lower() != SUFFIX:
        raise InvalidInput(
            f"Le fichier d'un paquet se termine par {SUFFIX} : {output.stem}{SUFFIX}.",
            f"The file of a pack ends with {SUFFIX}: {output.stem}{SUFFIX}.",
        )
    place = open_source(source or ("files" if data else "demo"), data)
    index = catalog.communes(place)
    chosen = {c.insee: c for c in (index.find(text) for text in communes)}
    if epci:
        members = [m.insee for m in index if index.get(m.insee).epci == epci]
        if not members and place.name == "online":
            from .online.geo_api import communes_of_epci

            members = [c.insee for c in communes_of_epci(epci) if c.insee in index]
        if not members:
            raise InvalidInput(
                f"Aucune commune de la source n'est de l'intercommunalité {epci} : nommez-les avec "
                "--commune.",
                f"No commune of the source belongs to EPCI {epci}: name them with --commune.",
            )
        chosen |= {code: index.get(code) for code in members}
    if not chosen:
        raise InvalidInput(
            "Quel territoire ? Donnez --commune ou --epci.", "Which territory? Give --commune or "
            "--epci.",
        )  # fmt: skip
    made = write_pack([chosen[c] for c in sorted(chosen)], place, output, progress())
    if as_json:
        emit({"path": str(made.path), "size": made.size, "datasets": made.datasets,
              "left_out": {d: e.fr for d, e in made.left_out.items()}})  # fmt: skip
        return
    for dataset, count in made.datasets.items():
        click.echo(f"{count:>6}  {catalog.title(dataset)[language()]}")
    for dataset, error in made.left_out.items():
        why = error.en if language() == "en" else error.fr
        click.echo(f"     –  {dataset} : {why}")
    say(f"Écrit : {made.path} ({size_words(made.size)})",
        f"Written: {made.path} ({made.size / 1e6:.1f} MB)")  # fmt: skip


@click.command("open")
@click.argument("path", type=click.Path(path_type=Path))
@_JSON
def open_(path: Path, as_json: bool) -> None:
    """Ouvre un paquet .eopack : vérifie chaque fichier et en fait une source."""
    from .packs import open_pack

    opened = open_pack(path)
    if as_json:
        emit({"folder": str(opened.folder), "title": opened.title,
              "datasets": list(opened.datasets)})  # fmt: skip
        return
    click.echo(str(opened.folder))
    say(
        f"{opened.title} : {len(opened.datasets)} jeux de données. Pour les voir : "
        f"eo-helpers serve --data {path}",
        f"{opened.title}: {len(opened.datasets)} data sets. To see them: "
        f"eo-helpers serve --data {path}",
    )


COMMANDS: dict[str, Any] = {
    "check": check, "fetch": fetch, "open": open_, "pack": pack, "prune": prune,
}  # fmt: skip
