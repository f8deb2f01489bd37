"""``eo-helpers coastline …``: the methods on one's own images, lines and positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import InvalidInput
from ..terminal import say

__all__ = ["group"]

_PATH = click.Path(path_type=Path)
_RULES = ("seaward", "landward", "median", "drop")


@click.group("coastline")
def group() -> None:
    """Trait de côte, sur vos propres fichiers. / The coastline, on your own files."""


@group.command("transects")
@click.option("--line", required=True, type=_PATH, help="Ligne de référence (un trait de côte).")
@click.option("--spacing", default=200.0, show_default=True, help="Espacement, m.")
@click.option("--landward", default=150.0, show_default=True, help="Longueur côté terre, m.")
@click.option("--seaward", default=200.0, show_default=True, help="Longueur côté mer, m.")
@click.option(
    "--sea",
    type=click.Choice(["right", "left"]),
    default="right",
    show_default=True,
    help="Côté de la mer quand on suit la ligne (droite : convention d'OpenStreetMap).",
)
@click.option("--smooth", type=float, default=None, help="Lissage de la ligne, m.")
@click.option("-o", "--output", required=True, type=_PATH, help="Couche à écrire.")
def transects(
    line: Path,
    spacing: float,
    landward: float,
    seaward: float,
    sea: Any,
    smooth: float | None,
    output: Path,
) -> None:
    """Trace des transects perpendiculaires au rivage, de la terre vers la mer."""
    from .files import check_output, read_layer, write_layer
    from .transects import draw_transects

    check_output(output, layer=True)
    drawn = draw_transects(
        read_layer(line), spacing=spacing, landward=landward, seaward=seaward, sea=sea,
        smooth=smooth,
    )  # fmt: skip
    write_layer(drawn, output)
    side, side_en = ("à droite", "right") if sea == "right" else ("à gauche", "left")
    turned = int((drawn["turn_deg"].abs() > 0.5).sum())
    say(
        f"{len(drawn)} transects, mer {side} de la ligne (sinon : --sea) ; {turned} tournés pour "
        "ne pas en croiser d'autres.",
        f"{len(drawn)} transects, sea on the {side_en} of the line (else: --sea); {turned} turned "
        "so as not to cross others.",
    )


@group.command("shoreline")
@click.option(
    "--image", "images", required=True, multiple=True, type=_PATH, help="Image (répétable)."
)
@click.option("--reference", type=_PATH, help="Ligne près de laquelle chercher le rivage.")
@click.option("--buffer", default=150.0, show_default=True, help="… à combien de mètres.")
@click.option("--date", "when", default=None, help="Date de l'image, si elle ne la dit pas.")
@click.option("--threshold", type=float, default=None, help="Seuil de MNDWI (automatique sinon).")
@click.option("--shortest", default=200.0, show_default=True, help="Longueur minimale, m.")
@click.option("--align", type=_PATH, help="Image sur laquelle recaler les autres.")
@click.option("-o", "--output", required=True, type=_PATH, help="Couche à écrire.")
def shoreline_command(
    images: tuple[Path, ...],
    reference: Path | None,
    buffer: float,
    when: str | None,
    threshold: float | None,
    shortest: float,
    align: Path | None,
    output: Path,
) -> None:
    """Extrait le trait de côte (limite terre-eau) d'images Sentinel-2 ou Landsat."""
    from .alignment import image_shift
    from .bands import open_image
    from .files import check_output, read_layer, write_layer
    from .shoreline import shoreline, together

    check_output(output, layer=True)
    line = read_layer(reference) if reference else None
    onto = open_image(align) if align else None
    found = []
    for path in images:
        image = open_image(path)
        if when:
            image.attrs["date"] = _iso(when)
        shift = (0.0, 0.0)
        if onto is not None:
            east, north, agreement = image_shift(image, onto)
            shift = (east, north)
            say(
                f"{path.name} : recalée de {east:+.1f} m vers l'est, {north:+.1f} m vers le nord "
                f"(corrélation {agreement:.2f}).",
                f"{path.name}: moved {east:+.1f} m east, {north:+.1f} m north (correlation "
                f"{agreement:.2f}).",
            )
        try:
            one = shoreline(
                image, reference=line, buffer=buffer, shortest=shortest, threshold=threshold,
                shift=shift,
            )  # fmt: skip
        except InvalidInput as error:
            # Among many images, one of clouds only is a date less, not a failure.
            if len(images) == 1:
                raise
            say(f"Image écartée, {error.fr}", f"Image left out, {error.en}")
            continue
        if not image.attrs["date"]:
            say(
                f"{path.name} ne dit pas sa date : la ligne est écrite sans, ajoutez --date.",
                f"{path.name} does not tell its date: the line has none, add --date.",
            )
        found.append(one)
    if not found:
        raise InvalidInput("Aucune image ne montre le rivage.", "No image shows the shore.")
    lines = together(found)
    write_layer(lines, output)
    for row in lines.itertuples():
        say(
            f"{row.image} : {row.length_m / 1000:.1f} km, MNDWI {row.threshold:+.2f}, "
            f"{100 * row.hidden_share:.0f} % caché, qualité {row.quality}.",
            f"{row.image}: {row.length_m / 1000:.1f} km, MNDWI {row.threshold:+.2f}, "
            f"{100 * row.hidden_share:.0f}% hidden, quality {row.quality}.",
        )


def _iso(when: str) -> str:
    import pandas as pd

    from .dates import parse_dates

    return f"{parse_dates(pd.Series([when]), '--date')[0]:%Y-%m-%dT%H:%M:%SZ}"


@group.command("positions")
@click.option("--shorelines", required=True, type=_PATH, help="Traits de côte datés.")
@click.option("--transects", required=True, type=_PATH, help="Transects, de la terre à la mer.")
@click.option(
    "--rule",
    type=click.Choice(_RULES),
    default="seaward",
    show_default=True,
    help="Croisement retenu quand un trait en a plusieurs avec un transect.",
)
@click.option("--date", "date_column", default=None, help="Colonne de la date.")
@click.option("--name", "name_column", default=None, help="Colonne du nom des transects.")
@click.option("--tide", type=_PATH, help="Hauteurs d'eau : CSV aux colonnes date, level_m.")
@click.option("--slope", type=float, help="Pente de la plage (0,02 à 0,2), avec --tide.")
@click.option("--level", default=0.0, show_default=True, help="Niveau de référence, m.")
@click.option("-o", "--output", required=True, type=_PATH, help="Tableau .csv ou .parquet.")
def positions(
    shorelines: Path,
    transects: Path,
    rule: Any,
    date_column: str | None,
    name_column: str | None,
    tide: Path | None,
    slope: float | None,
    level: float,
    output: Path,
) -> None:
    """Positions des traits de côte sur les transects : transect, date, distance_m."""
    from .files import check_output, read_shorelines, read_transects, write_table
    from .positions import correct_tide, shoreline_positions
    from .tides import levels_at, read_levels

    check_output(output, layer=False)
    if (tide is None) != (slope is None):
        raise InvalidInput(
            "La correction de marée demande --tide et --slope ensemble.",
            "Tidal correction takes --tide and --slope together.",
        )
    lines = read_shorelines(shorelines, date_column)
    across = read_transects(transects, name_column)
    table = shoreline_positions(lines, across, rule=rule)
    if tide is not None and slope is not None:
        table = correct_tide(table, levels_at(table["date"], read_levels(tide)), slope, level)
    write_table(table, output)
    missed = len(across) - table["transect"].nunique()
    several = int((table["crossings"] > 1).sum())
    say(
        f"{len(table)} positions ; {missed} transects sans aucun croisement ; {several} positions "
        f"choisies entre plusieurs croisements (règle : {rule}).",
        f"{len(table)} positions; {missed} transects without a crossing; {several} positions "
        f"chosen among several crossings (rule: {rule}).",
    )


@group.command("rates")
@click.option("--positions", required=True, type=_PATH, help="Colonnes transect,date,distance_m.")
@click.option("--series", "wanted", default=None, help="Série à garder (colonne series).")
@click.option("--from", "since", default=None, help="Première date gardée : 2003-01-01.")
@click.option("--to", "until", default=None, help="Dernière date gardée : 2019-12-31.")
@click.option("--sigma", type=float, help="Erreur type d'une position, m.")
@click.option("--most-change", type=float, help="Écarte les positions isolées de plus de … m.")
@click.option("--least-dates", default=2, show_default=True, help="Nombre de dates, au moins.")
@click.option("--least-span", default=1.0, show_default=True, help="Années couvertes, au moins.")
@click.option("-o", "--output", required=True, type=_PATH, help="Tableau .csv ou .parquet.")
def rates_command(
    positions: Path,
    wanted: str | None,
    since: str | None,
    until: str | None,
    sigma: float | None,
    most_change: float | None,
    least_dates: int,
    least_span: float,
    output: Path,
) -> None:
    """Vitesses d'évolution par transect (m/an, positives vers la mer), avec leurs intervalles."""
    import pandas as pd

    from .files import check_output, read_positions, write_table
    from .positions import flag_outliers
    from .rates import rates

    check_output(output, layer=False)
    table = _chosen(read_positions(positions), wanted, since, until)
    parts, dropped = [], 0
    names = list(dict.fromkeys(table["series"])) if "series" in table else [None]
    for name in names:
        part = table if name is None else table[table["series"] == name]
        if most_change is not None:
            bad = flag_outliers(part, most_change)
            part, dropped = part[~bad], dropped + int(bad.sum())
        found = rates(part, sigma=sigma, least_dates=least_dates, least_span=least_span)
        parts.append(found if name is None else found.assign(series=name))
    out = pd.concat(parts, ignore_index=True)
    write_table(out, output)
    if len(names) > 1:
        say(
            f"Le tableau a plusieurs séries ({', '.join(map(str, names))}) : une vitesse par "
            "transect et par série ; --series n'en garde qu'une.",
            f"The table holds several series ({', '.join(map(str, names))}): one rate a transect "
            "and series; --series keeps one.",
        )
    if dropped:
        say(f"{dropped} positions isolées écartées.", f"{dropped} isolated positions left out.")
    for part, name in zip(parts, names, strict=True):
        given = part[part["lrr"].notna()]
        title = "" if name is None else f"{name} : "
        period = f"{part['first'].min():%Y-%m-%d} – {part['last'].max():%Y-%m-%d}"
        sure = int((given["perceptible"] == True).sum())  # noqa: E712 (None is not False)
        say(
            f"{title}{len(given)} vitesses sur {len(part)} transects, {period} ; médiane "
            f"{given['lrr'].median():+.2f} m/an ; {sure} se distinguent de 0.",
            f"{title}{len(given)} rates on {len(part)} transects, {period}; median "
            f"{given['lrr'].median():+.2f} m/yr; {sure} differ from 0.",
        )


def _chosen(table: Any, wanted: str | None, since: str | None, until: str | None) -> Any:
    """Rows of one series and period."""
    import pandas as pd

    from .dates import parse_dates

    if wanted is not None:
        if "series" not in table or wanted not in set(table["series"]):
            have = ", ".join(sorted(set(table["series"]))) if "series" in table else "aucune"
            raise InvalidInput(
                f"Il n'y a pas de série « {wanted} » ; séries trouvées : {have}.",
                f"There is no series '{wanted}'; series found: {have}.",
            )
        table = table[table["series"] == wanted].drop(columns="series")
    if since:
        table = table[table["date"] >= parse_dates(pd.Series([since]), "--from")[0]]
    if until:
        end = parse_dates(pd.Series([until]), "--to")[0] + pd.Timedelta(days=1)
        table = table[table["date"] < end]
    return table
