"""``eo-helpers lcz …``: the methods on one's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import InvalidInput
from ..terminal import emit, say
from .commands_production import produce, wudapt

__all__ = ["group"]


@click.group("lcz")
def group() -> None:
    """Climat local (LCZ), sur vos propres fichiers. / Local climate, on your own files."""


@group.command("classify")
@click.argument("blocks", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Fichier à écrire : .gpkg, .geojson ou .parquet.",
)
def classify(blocks: Path, output: Path) -> None:
    """Classe des blocs par la règle du Cerema, avec la distance au seuil le plus proche.

    BLOCKS a les huit indicateurs du Cerema : hre, are, bur, ror, bsr, war, ver, vhr.
    Colonnes ajoutées : lcz, lcz_alternative, threshold_distance (sans unité : 1 = une
    échelle, soit 5 points de couverture, 2 m, 100 m² ou 10 points d'arbres), threshold,
    threshold_change et unclassed. Une colonne lcz déjà là est gardée sous lcz_input.
    """
    from .files import check_output, read_layer, write_layer
    from .formats import check_indicators
    from .rule import UNCLASSED, blocks_of
    from .rule import classify as apply_rule
    from .schema import normalise_codes
    from .thresholds import threshold_distance

    check_output(output)
    table = read_layer(blocks, what="une couche de polygones")
    blocks_of(table, blocks.name)  # names a missing column before anything else is said of the file
    plain = table.drop(columns=table.geometry.name)
    check_indicators(plain.rename(columns=lambda name: str(name).lower()), blocks.name)
    by_name = {str(c).lower(): c for c in table.columns}
    # Refuses an unknown class before anything is written.
    before = (
        normalise_codes(table[by_name["lcz"]], "any", blocks.name) if "lcz" in by_name else None
    )
    result = threshold_distance(plain)
    result["unclassed"] = apply_rule(plain)["unclassed"]
    # GeoPackage tells columns apart without regard to case.
    kept = {by_name[c]: f"{c}_input" for c in result.columns if c in by_name}
    out = table.rename(columns=kept).join(result)
    write_layer(out, output)

    n = len(out)
    told = result["unclassed"].value_counts()
    for reason, count in told.items():
        text = UNCLASSED[str(reason)]
        say(f"{count} bloc(s) sans classe : {text['fr']}.", f"{count} unclassed: {text['en']}.")
    near = int((result["threshold_distance"] < 1).sum())
    say(
        f"{n - int(told.sum())} blocs classés sur {n}, dont {near} proches d'un seuil "
        f"(distance sous 1) : {output}",
        f"{n - int(told.sum())} of {n} blocks classed, {near} near a threshold "
        f"(distance under 1): {output}",
    )
    if before is not None:
        _say_agreement(before, result["lcz"])


def _say_agreement(known: Any, after: Any) -> None:
    same = [a == b for a, b in zip(known, after, strict=True) if isinstance(a, str)]
    if same:
        say(
            f"La règle redonne la classe d'entrée de {sum(same)} blocs sur {len(same)}.",
            f"The rule gives the input class of {sum(same)} of {len(same)} blocks.",
        )


@group.command("compare")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Réponse en JSON.")
@click.option("--crs", help="Système de coordonnées de la mesure (sinon : l'officiel).")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Carte de l'accord à écrire : chaque morceau avec ses deux classes (deux vecteurs).",
)
def compare(a: Path, b: Path, as_json: bool, crs: str | None, output: Path | None) -> None:
    """Compare deux cartes LCZ : accord, kappa et matrice de confusion en hectares.

    A et B sont des fichiers vecteur (colonne lcz, LCZ_PRIMARY ou lcz_int) ou raster
    (codes 1 à 17). Dès qu'un raster est là, on compare aux centres de ses pixels. Entre
    deux vecteurs, l'accord a sa fourchette à 95 % (carrés de 1 km tirés de nouveau) et les
    désaccords les plus étendus sont nommés.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    from ..text import number, percent
    from . import compare as method
    from .data import open_map
    from .files import check_output, write_layer

    if crs is not None:
        try:
            CRS.from_user_input(crs)
        except CRSError as error:
            raise InvalidInput(
                f"« {crs} » n'est pas un système de coordonnées connu (exemple : EPSG:2154).",
                f"'{crs}' is not a known coordinate system (example: EPSG:2154).",
            ) from error
    if output is not None:
        check_output(output)
    one, two = open_map(a), open_map(b)
    found = method.compare_maps(one, two, crs)
    told = found.to_dict()
    if found.method == "overlay":
        pieces = method.overlay(one, two, crs)
        told |= _where_they_differ(method, pieces)
        if output is not None:
            write_layer(pieces, output)
    elif output is not None:
        raise InvalidInput(
            "La carte de l'accord (-o) demande deux cartes vecteur.",
            "The map of agreement (-o) needs two vector maps.",
        )
    if as_json:
        emit({"a": a.name, "b": b.name, **told})
        return
    click.echo(
        f"Accord : {percent(100 * found.agreement, 1)} de {number(found.area_ha, 1)} ha "
        f"communs ; kappa {number(found.kappa, 2)}."
    )
    if "agreement_low" in told:
        low, high = (100 * told[f"agreement_{end}"] for end in ("low", "high"))
        click.echo(f"Fourchette à 95 % : {number(low, 1)} à {percent(high, 1)}.")
        for pair in told["disagreements"]:
            share = percent(100 * pair["share"], 1)
            click.echo(f"  {pair['a']} / {pair['b']} : {number(pair['area_ha'], 1)} ha ({share})")
    click.echo(f"Lignes : {a.name} ; colonnes : {b.name} ; hectares.")
    click.echo(found.matrix.round(1).to_string())


def _where_they_differ(method: Any, pieces: Any, most: int = 10) -> dict[str, Any]:
    """Interval of the agreement and of kappa, and the most extensive disagreements."""
    interval = method.blocked_interval(pieces)
    out: dict[str, Any] = {}
    for name in ("agreement", "kappa"):
        for end in ("low", "high"):
            value = float(interval.loc[name, end])
            out[f"{name}_{end}"] = value if value == value else None
    pairs = method.disagreement(pieces).head(most).rename(columns={"lcz_a": "a", "lcz_b": "b"})
    out["disagreements"] = pairs.to_dict(orient="records")
    return out


@group.command("what-if")
@click.argument("blocks", type=click.Path(path_type=Path))
@click.option("--ver", type=float, help="Points de végétation en plus (ou en moins).")
@click.option("--ror", type=float, help="Points de sol minéral en plus (ou en moins).")
@click.option(
    "--from",
    "--to",
    "exchange",
    type=click.Choice(["bur", "ror", "bsr", "war", "ver"]),
    help="Le sol qui cède sa place (ou la reprend) : ror pour --ver, ver pour --ror sinon.",
)
@click.option("--hre", type=float, default=0.0, help="Mètres de hauteur en plus (ou en moins).")
@click.option("--vhr", type=float, default=0.0, help="Points d'arbres en plus dans la végétation.")
@click.option("--block", "only", multiple=True, help="Identifiant d'un îlot à changer (répétable).")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Résumé en JSON.")
def what_if(
    blocks: Path,
    ver: float | None,
    ror: float | None,
    exchange: str | None,
    hre: float,
    vhr: float,
    only: tuple[str, ...],
    output: Path,
    as_json: bool,
) -> None:
    """« Et si » : change la végétation, le sol minéral ou la hauteur, et classe de nouveau.

    Exemple : eo-helpers lcz what-if blocs.gpkg --ver +10 --from ror -o et_si.gpkg
    """
    from . import what_if as method
    from .files import check_output, read_layer, write_layer
    from .formats import check_indicators
    from .rule import INDICATORS, blocks_of

    if ver is not None and ror is not None:
        raise InvalidInput(
            "Changez un sol à la fois : --ver ou --ror, avec --from pour ce qui cède sa place.",
            "Change one ground at a time: --ver or --ror, with --from for what gives way.",
        )
    check_output(output)
    change = method.Change(
        "ror" if ror is not None else "ver", ver or ror or 0.0, exchange, hre, vhr
    )
    table = read_layer(blocks, what="une couche de polygones")
    blocks_of(table, blocks.name)
    by_name = {str(c).lower(): c for c in table.columns}
    plain = table.rename(columns={by_name[i]: i for i in INDICATORS})
    check_indicators(plain.drop(columns=plain.geometry.name), blocks.name)
    where = _chosen(table, by_name, only, blocks.name) if only else None
    result = method.what_if(plain, change, where)
    kept = {by_name[c]: f"{c}_input" for c in result.columns if c in by_name}
    write_layer(table.rename(columns=kept).join(result), output)
    told = method.summary(result, table.to_crs(table.estimate_utm_crs()).area)
    if as_json:
        emit({"output": output.name, **told})
    say(
        f"{told['class_changed']} bloc(s) sur {told['blocks']} changent de classe, "
        f"{told['category_changed']} de sensibilité : {output}",
        f"{told['class_changed']} of {told['blocks']} blocks change class, "
        f"{told['category_changed']} sensitivity: {output}",
    )
    if told["short"]:
        say(
            f"{told['short']} bloc(s) n'avaient pas assez de sol à échanger : ils ont donné ce "
            "qu'ils avaient.",
            f"{told['short']} block(s) had not enough ground to exchange and gave what they had.",
        )
    for text in method.LIMITS:
        say(text["fr"], text["en"])


def _chosen(table: Any, by_name: dict[str, Any], only: tuple[str, ...], where: str) -> Any:
    """Which blocks bear the identifiers that are asked for."""
    column = next(
        (by_name[n] for n in ("identifier", "block_id", "unit_id", "id_rsu") if n in by_name), None
    )
    if column is None:
        raise InvalidInput(
            f"{where} n'a pas de colonne identifier : --block ne sait pas quel îlot choisir.",
            f"{where} has no column identifier: --block cannot tell which block to choose.",
        )
    names = table[column].astype(str)
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise InvalidInput(
            f"{where} n'a pas d'îlot « {unknown[0]} » (colonne {column}).",
            f"{where} has no block '{unknown[0]}' (column {column}).",
        )
    return names.isin(only).to_numpy()


group.add_command(produce)
group.add_command(wudapt)
