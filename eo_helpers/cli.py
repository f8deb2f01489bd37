"""The same things from a terminal: ``eo-helpers``.

JSON goes to standard output and is stable; messages go to standard error.
Exit codes: 0 done, 1 unexpected error, 2 bad input, 3 no data, 130 interrupted.

Nothing heavy is imported here: each command imports what it needs, and the
commands of a theme live in ``eo_helpers/<theme>/commands.py`` (``group``).
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from . import __version__
from .catalog.commands import open_source
from .errors import EoError, InvalidInput
from .findings import THEMES
from .terminal import emit, language, progress, say

__all__ = ["main"]

SOURCES = ("demo", "files", "online")
#: Groups of commands that are no theme, in ``eo_helpers/<name>/commands.py``.
GROUPS = ("national",)
F = TypeVar("F", bound=Callable[..., Any])


class _Commands(click.Group):
    """The fixed commands, and one group for each theme that has methods of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        themes = [name for name in (*THEMES.names, *GROUPS) if _commands_of(name)]
        return sorted([*super().list_commands(ctx), *themes])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        known = cmd_name in (*THEMES.names, *GROUPS)
        if command is None and known and _commands_of(cmd_name):
            command = importlib.import_module(f"{__package__}.{cmd_name}.commands").group
        return command


def _commands_of(theme: str) -> bool:
    return importlib.util.find_spec(f"{__package__}.{theme}.commands") is not None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="eo-helpers")
def cli() -> None:
    """Que disent les satellites de cette commune ?

    What do satellites say about this commune?
    """


def _place_options(command: F) -> F:
    """``--source`` and ``--data``, the same on every command that reads data."""
    command = click.option(
        "--data",
        "data",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Dossier de vos données (répétable) ; implique --source files.",
    )(command)
    return click.option(
        "--source",
        type=click.Choice(SOURCES),
        default=None,
        help="Lieu de lecture des données : demo (par défaut), files ou online.",
    )(command)


@cli.command()
@click.argument("query", default="")
@click.option("--limit", default=10, show_default=True, help="Nombre de réponses au plus.")
@click.option("--json", "as_json", is_flag=True, help="Réponse en JSON.")
@_place_options
def commune(
    query: str, limit: int, as_json: bool, source: str | None, data: tuple[Path, ...]
) -> None:
    """Cherche une commune par son nom, son code INSEE ou son code postal.

    Une requête vide donne la liste des communes de la source.
    """
    from . import catalog

    index = catalog.communes(open_source(source, data))
    matches = index.search(query, limit=limit if query.strip() else sys.maxsize)
    if query.strip() and not matches:
        index.find(query)  # raises, with the nearest names
    if as_json:
        emit(
            [
                {
                    "insee": m.insee,
                    "name": m.name,
                    "departement": m.departement,
                    "population": m.population,
                    "score": round(float(m.score), 1),
                }
                for m in matches
            ]
        )
        return
    from .text import number

    for m in matches:
        people = f"{number(m.population)} hab." if m.population else ""
        click.echo(f"{m.insee}  {m.name} ({m.departement})  {people}".rstrip())


def _parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    """``key=value`` pairs; a value that is JSON (a number, true, …) is read as such."""
    out: dict[str, Any] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or not key.isidentifier():
            raise InvalidInput(
                f"Le paramètre « {pair} » ne se lit pas : écrivez nom=valeur.",
                f"Parameter '{pair}' cannot be read: write name=value.",
            )
        try:
            out[key] = json.loads(text)
        except ValueError:
            out[key] = text
    return out


@cli.command()
@click.argument("theme")
@click.argument("commune")
@click.option("--json", "as_json", is_flag=True, help="Le résultat complet en JSON.")
@click.option("-p", "--param", "params", multiple=True, help="Paramètre du thème : nom=valeur.")
@_place_options
def analyse(
    theme: str,
    commune: str,
    as_json: bool,
    params: tuple[str, ...],
    source: str | None,
    data: tuple[Path, ...],
) -> None:
    """Dit ce que les satellites montrent d'une COMMUNE pour un THEME."""
    from . import catalog

    chosen = THEMES[theme]
    parameters = _parameters(params)
    place = open_source(source, data)
    where = catalog.communes(place).find(commune)
    try:
        finding = chosen.analyse(where, place, **parameters)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise InvalidInput(
            f"Le thème « {theme} » ne connaît pas l'un des paramètres {', '.join(parameters)}.",
            f"Theme '{theme}' does not know one of the parameters {', '.join(parameters)}.",
        ) from error
    if as_json:
        emit(finding.to_dict())
    else:
        from .views.sentences import finding_text

        click.echo(finding_text(finding, language()))
    if finding.status in ("no_data", "out_of_coverage"):
        raise click.exceptions.Exit(3)


@cli.command()
@click.argument("commune")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Fichier à écrire : .pdf (fiche à imprimer), .gpkg (QGIS), .csv, .zip (tout) ou .ipynb.",
)
@click.option("--theme", "themes", multiple=True, help="Thème (répétable) ; tous par défaut.")
@click.option("-p", "--param", "params", multiple=True, help="Paramètre d'un thème : nom=valeur.")
@click.option("--link", help="Adresse de la page, écrite sur la fiche avec un QR code.")
@_place_options
def export(
    commune: str,
    output: Path,
    themes: tuple[str, ...],
    params: tuple[str, ...],
    link: str | None,
    source: str | None,
    data: tuple[Path, ...],
) -> None:
    """Écrit ce que les satellites disent d'une COMMUNE : fiche, couches, tableau ou carnet."""
    from . import catalog
    from .views.exports import export as write

    chosen = [THEMES[name] for name in themes or THEMES.names]
    parameters = _parameters(params)
    if parameters and len(chosen) != 1:
        raise InvalidInput(
            "Un paramètre (-p) vaut pour un thème : choisissez-le avec --theme.",
            "A parameter (-p) belongs to one theme: choose it with --theme.",
        )
    place = open_source(source, data)
    where = catalog.communes(place).find(commune)
    tell = progress() or (lambda label, fraction: None)
    findings = []
    for done, theme in enumerate(chosen):
        tell(theme.title[language()], done / (len(chosen) + 1))
        findings.append(theme.analyse(where, place, **parameters))
    tell(output.name, len(chosen) / (len(chosen) + 1))
    write(findings, output, language(), link, [str(folder.resolve()) for folder in data])
    tell(output.name, 1.0)
    say(f"Écrit : {output}", f"Written: {output}")


class _DataCommands(click.Group):
    """What is written here, and what ``catalog/commands.py`` adds when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from .catalog.commands import COMMANDS

        return sorted([*super().list_commands(ctx), *COMMANDS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from .catalog.commands import COMMANDS

        return super().get_command(ctx, cmd_name) or COMMANDS.get(cmd_name)


@cli.group(cls=_DataCommands)
def data() -> None:
    """Jeux de données : ce que le catalogue connaît, ce que vos dossiers contiennent."""


@data.command("list")
@click.option("--json", "as_json", is_flag=True, help="Réponse en JSON.")
@click.option(
    "--cache", is_flag=True, help="Ce qui a été téléchargé : d'où, quand, quelle licence."
)
@_place_options
def data_list(as_json: bool, cache: bool, source: str | None, data: tuple[Path, ...]) -> None:
    """Jeux de données du catalogue, et combien de fichiers la source en tient."""
    from . import catalog

    if cache:
        from .catalog.commands import list_cache

        list_cache(as_json)
        return
    place = open_source(source, data)
    rows = []
    for identifier in catalog.datasets():
        about = catalog.about(identifier)
        rows.append(
            {
                "dataset": identifier,
                "title": catalog.title(identifier)[language()],
                "licence": about["eo_helpers:licence"],
                "attribution": about["eo_helpers:attribution"],
                "edition": about["eo_helpers:edition"],
                "items": len(place.items(identifier)),
                "source": place.name,
            }
        )
    if as_json:
        emit(rows)
    else:
        for row in rows:
            click.echo(f"{row['items']:>6}  {row['dataset']:<20} {row['title']} ({row['licence']})")
    for path, error in getattr(place, "rejected", []):
        say(f"Fichier écarté, {path} : {error.fr}", f"File left out, {path}: {error.en}")


@data.group("import")
def data_import() -> None:
    """Prépare des fichiers de producteurs pour une lecture rapide. / Makes them quick to read."""


@data_import.command("lcz")
@click.argument("archives", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    default="lcz_france.parquet",
    show_default=True,
    type=click.Path(path_type=Path),
    help="GeoParquet à écrire.",
)
@click.option(
    "--communes",
    type=click.Path(path_type=Path),
    help="Table des communes : calcule aussi les parts de chacune, pour comparer.",
)
@click.option(
    "--population",
    type=click.Path(path_type=Path),
    help="Carreaux de 200 m de l'INSEE : compte aussi les habitants de chaque commune.",
)
@click.option("--skip-bad", is_flag=True, help="Laisse de côté les archives illisibles.")
@click.option("--json", "as_json", is_flag=True, help="Résumé en JSON.")
def data_import_lcz(
    archives: tuple[Path, ...],
    output: Path,
    communes: Path | None,
    population: Path | None,
    skip_bad: bool,
    as_json: bool,
) -> None:
    """Réunit les ARCHIVES LCZ du Cerema (.zip, ou dossiers) en une carte nationale.

    Un arrêt ne perd rien : la même commande reprend où elle en était.
    """
    from .lcz.commands_import import run

    run(archives, output, communes, population, skip_bad, as_json, progress())


@cli.group("demo")
def demo_group() -> None:
    """Territoire de démonstration (fictif, embarqué)."""


@demo_group.command("build")
@click.option("--folder", type=click.Path(path_type=Path), help="Où l'écrire (sinon : le cache).")
def demo_build(folder: Path | None) -> None:
    """Écrit le territoire de démonstration, une fois ; moins d'une minute."""
    from . import demo

    where = demo.ensure(progress()) if folder is None else demo.build(folder, progress=progress())
    click.echo(str(where or folder))


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Adresse d'écoute.")
@click.option("--port", default=8866, show_default=True, help="Port ; le suivant s'il est pris.")
@click.option("--no-browser", is_flag=True, help="N'ouvre pas le navigateur.")
@click.option(
    "--prepare",
    is_flag=True,
    help="Prépare les réponses des communes d'exemple tant que personne ne demande rien.",
)
@click.option("--sessions", default=40, show_default=True, help="Visiteurs à la fois.")
@click.option("--preheat", default=2, show_default=True, help="Sessions prêtes d'avance.")
@click.option("--memory", default=1024, show_default=True, help="Mo par session ; 0 : sans limite.")
@click.option("--base-url", default="/", show_default=True, help="Chemin derrière un proxy.")
@click.option("--proxy", is_flag=True, help="Croit les en-têtes X-Forwarded-* d'un proxy.")
@click.option("--log", "logs", help="Journal en lignes JSON : un fichier, ou - pour l'écran.")
@click.option("--no-fork", is_flag=True, help="Démarre chaque session à part, même sous Linux.")
@_place_options
def serve(
    host: str,
    port: int,
    no_browser: bool,
    prepare: bool,
    sessions: int,
    preheat: int,
    memory: int,
    base_url: str,
    proxy: bool,
    logs: str | None,
    no_fork: bool,
    source: str | None,
    data: tuple[Path, ...],
) -> None:
    """Ouvre la page « Ma commune » dans le navigateur.

    Sans --source ni --data : les communes fictives et, avec le réseau, toute commune de
    France. Hors ligne (EO_HELPERS_OFFLINE=1), sur le dernier paquet ouvert s'il y en a un.
    """
    from .app.serve import EVERYWHERE
    from .app.serve import serve as run
    from .catalog.net import offline
    from .catalog.packs import last_opened

    if source is None and not data and offline() and (pack := last_opened()) is not None:
        say(f"Paquet ouvert : {pack.title}", f"Pack opened: {pack.title}")
        data = (pack.folder,)
    usual = "demo" if offline() else EVERYWHERE
    run(
        host=host,
        port=port,
        source=source or ("files" if data else usual),
        data=list(data) or None,
        open_browser=not no_browser,
        prepare=prepare,
        sessions=sessions,
        preheat=preheat,
        memory=memory,
        base_url=base_url,
        proxy=proxy,
        logs=logs,
        fork=not no_fork,
    )


@cli.command()
def doctor() -> None:
    """Dit en clair ce qui manque à cette machine."""
    from .doctor import examine

    findings = examine()
    for finding in findings:
        mark = "✓" if finding.ok else ("✗" if finding.needed else "–")
        click.echo(f"{mark} {finding.text['en' if language() == 'en' else 'fr']}")
    if any(finding.needed and not finding.ok for finding in findings):
        raise click.exceptions.Exit(2)


def main(args: list[str] | None = None) -> None:
    """Entry point of ``eo-helpers``: an error of ours is one sentence and an exit code."""
    try:
        code = cli.main(args=args, prog_name="eo-helpers", standalone_mode=False)
    except EoError as error:
        say(error.fr, error.en)
        code = error.exit_code
    except click.exceptions.Abort:
        say("Interrompu.", "Interrupted.")
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BrokenPipeError:
        # The reader of our output (head, less …) has left: nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
