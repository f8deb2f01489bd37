"""Every notebook runs from a clean checkout, speaks French first, and stores no result."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("notebooks", "dashboards")
NOTEBOOKS = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
STORIES = [path for path in NOTEBOOKS if path.is_relative_to(ROOT / "notebooks")]
WORKSHOPS = [path for path in STORIES if path.parent.name == "ateliers"]
RECIPES = [path for path in STORIES if path.parent.name == "exemples"]
#: Places of a machine, whoever's it is.
MACHINE = re.compile(r"/(?:home|root|tmp|Users|work|mnt)\b|[A-Z]:\\\\")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def cells_of(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source_of(cell: dict) -> str:
    return "".join(cell["source"])


def tagged(path: Path, tag: str) -> list[dict]:
    return [c for c in cells_of(path) if tag in c["metadata"].get("tags", [])]


def test_there_is_a_notebook_for_each_audience_and_theme():
    assert len(STORIES) >= 9
    folders = {"decouvrir", "methodes", "ateliers", "solutions", "exemples"}
    assert {path.parent.name for path in STORIES} == folders
    assert 5 <= len(RECIPES) <= 10


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_runs(path, demo_dir, tmp_path):
    home = Path.home()
    environment = {
        **os.environ,
        # earthpy makes a folder in the home on import: not in the home of whoever tests.
        "HOME": str(tmp_path),
        "USERPROFILE": str(tmp_path),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(home / ".cache")),
        "EO_HELPERS_CACHE": str(demo_dir.parent),
    }
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider",
            "-p", "no:xdist", "--nbval-cell-timeout=120", str(path),
        ],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_stores_no_output(path):
    for cell in cells_of(path):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], source_of(cell)
            assert cell["execution_count"] is None, source_of(cell)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_names_no_place_of_a_machine(path):
    found = MACHINE.search(path.read_text(encoding="utf-8"))
    assert found is None, found


@pytest.mark.parametrize("path", STORIES, ids=name_of)
def test_parameters_are_in_one_cell(path):
    cells = tagged(path, "parameters")
    assert len(cells) == 1
    source = source_of(cells[0])
    assert "COMMUNE = " in source
    assert "import" not in source
    # Before any other code: what follows can be run again with other values.
    first = next(c for c in cells_of(path) if c["cell_type"] == "code")
    assert first["id"] == cells[0]["id"]


@pytest.mark.parametrize("path", STORIES, ids=name_of)
def test_it_is_told_in_french_with_a_plan(path):
    told = [source_of(c) for c in cells_of(path) if c["cell_type"] == "markdown"]
    assert told[0].startswith("# ")
    assert "**Contexte.**" in told[0]
    text = "\n".join(told)
    assert re.search(r"\b(la|le|les|des|une|est)\b", told[0])
    assert not re.search(r"\b(the|this|with|and)\b", text)
    for part in ("## Pour commencer", "## Pour (aller plus loin|finir)"):
        assert re.search(part, text), part


@pytest.mark.parametrize("path", STORIES, ids=name_of)
def test_it_holds_no_logic_that_belongs_in_the_package(path):
    code = "\n".join(source_of(c) for c in cells_of(path) if c["cell_type"] == "code")
    assert not re.search(r"^\s*class ", code, re.M)
    # One line to read a file is allowed; a method is not.
    bodies = re.findall(r"^def \w+.*:\n((?:    .*\n)+)", code + "\n", re.M)
    assert all(body.count("\n") == 1 for body in bodies)


@pytest.mark.parametrize("path", STORIES, ids=name_of)
def test_the_files_it_points_to_exist(path):
    text = "\n".join(source_of(c) for c in cells_of(path))
    for target in re.findall(r"`([a-z]+/[\w./]+\.(?:ipynb|py))`", text):
        folders = (ROOT, ROOT / "notebooks")
        assert any((folder / target).is_file() for folder in folders), target


@pytest.mark.parametrize("path", WORKSHOPS, ids=name_of)
def test_a_workshop_asks_what_is_checked_and_keeps_its_solutions_apart(path):
    from eo_helpers.atelier import SUJETS

    (sujet,) = (s for s in SUJETS.values() if s.carnet == path.name)
    wanted = [exercice.nom for exercice in sujet.exercices]
    assert len(wanted) >= 5
    asked = [source_of(c) for c in tagged(path, "exercice")]
    assert [re.search(r'verifier\("(\w+)", \1\)', source)[1] for source in asked] == wanted
    assert all(re.search(rf"^{n} = \.\.\.", s, re.M) for n, s in zip(wanted, asked, strict=True))
    # A hint is a cell to switch on: run as it is, it says nothing.
    hints = [source_of(c) for c in tagged(path, "indice")]
    assert hints == [f'# eo.atelier.indice("{name}")' for name in wanted]
    apart = path.parent / "solutions" / path.name
    # `corriger` raises if the solution is wrong: running that notebook proves it right.
    solved = [source_of(c) for c in tagged(apart, "solution")]
    assert [re.search(r'corriger\("(\w+)", \1\)', source)[1] for source in solved] == wanted
    # So does its last cell: every usual mistake on these data is told by its name.
    assert 'assert erreurs["reconnue"].all()' in source_of(cells_of(apart)[-1])
    told = source_of(cells_of(path)[0])
    for part in ("**Objectif.**", "**Durée.**", "**Étapes.**", f"solutions/{path.name}"):
        assert part in told, part


@pytest.mark.parametrize("path", RECIPES, ids=name_of)
def test_a_recipe_is_one_page(path):
    cells = cells_of(path)
    assert len(cells) <= 10
    assert sum(len(source_of(c).splitlines()) for c in cells) <= 80


# -- a Finding in a notebook ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def finding(demo_source):
    import eo_helpers as eo

    return eo.analyse("lcz", eo.commune("Valmoret", demo_source), demo_source)


def test_show_tells_first_then_maps_then_details(finding):
    import ipyleaflet
    import ipywidgets

    import eo_helpers as eo

    shown = eo.show(finding)
    head, choice, drawn, legend, body = shown.children
    assert finding.headline["fr"] in head.value
    assert "Données de démonstration" in head.value
    assert isinstance(choice, ipywidgets.Dropdown)
    assert isinstance(drawn, ipyleaflet.Map)
    assert "<table" in body.value
    assert "<details" in body.value
    assert finding.headline["fr"] in repr(shown)
    # Another map brings its own legend, and its layer alone.
    before, count = legend.value, len(drawn.layers)
    choice.value = next(n for _, n in choice.options if n != choice.value)
    assert legend.value != before
    assert len(drawn.layers) == count


def test_show_of_a_finding_without_data_says_what_would_bring_them(demo_source):
    import eo_helpers as eo

    away = eo.analyse("lcz", eo.commune("97199", demo_source), demo_source)
    assert away.status == "out_of_coverage"
    head, body = eo.show(away).children
    assert away.remedy["fr"][:30] in head.value.replace("&#39;", "'")
    assert "<table" not in body.value


def test_pieces_of_a_finding(finding):
    from eo_helpers.errors import InvalidInput
    from eo_helpers.views.notebook import chart, draw, figures, limits

    assert "<svg" in chart(finding).data
    table = figures(finding, "share_area_sensitive").data
    assert table.count("<tr>") == 2
    assert "<li>" in limits(finding).data
    figure = draw(finding, "lcz")
    assert any("démonstration" in t.get_text() for t in figure.axes[0].texts)
    for wrong in (chart, draw, figures):
        with pytest.raises(InvalidInput, match="ce_nom"):
            wrong(finding, "ce_nom")


def test_a_figure_of_one_s_own_is_marked_only_where_fictional():
    from matplotlib.figure import Figure

    from eo_helpers.views.notebook import mark

    assert "démonstration" in mark(Figure(), True).get_supxlabel()
    assert mark(Figure(), False).get_supxlabel() == ""


# -- a commune and a holding in a notebook --------------------------------------------------------


def test_a_commune_is_a_card_with_its_outline(demo_source):
    import eo_helpers as eo
    from eo_helpers.views.cards import commune_html

    html = commune_html(eo.commune("99004", demo_source))
    for said in (
        "Portervelle-sur-Mer",
        "99004",
        "4\u202f620",
        "EPSG:2154",
        "<path",
        "démonstration",
    ):
        assert said in html.replace("\xa0", "\u202f"), said
    assert "Official coordinates" in commune_html(eo.commune("99004", demo_source), "en")


def test_a_holding_is_a_card_that_names_its_files_and_escapes_them(demo_source):
    from dataclasses import replace

    import eo_helpers as eo
    from eo_helpers import catalog
    from eo_helpers.views.cards import holding_html

    found = catalog.find("sentinel-1", eo.commune("99001", demo_source), demo_source)
    html = holding_html(found)
    assert "S1A_IW_GRDH" in html and "2024-01-15" in html and "Données de démonstration" in html
    assert str(found.paths[0].parent) not in html
    assert "au format de\u00a0: Copernicus Sentinel" in html and "Contient" not in html
    many = holding_html(replace(found, items=found.items * 10))
    assert "et 12 autres" in many and "<script" not in many


def test_a_source_is_a_card_of_what_it_holds(demo_source):
    from eo_helpers.views.cards import source_html

    html = source_html(demo_source)
    assert "lcz-cerema" in html and "393 fichiers" in html and "Données de démonstration" in html
    assert "/" not in html.split("<table>")[1].replace("</", "").replace("<br>", "")
    assert "393 files" in source_html(demo_source, "en")


def test_the_tab_key_offers_the_public_face_only():
    import eo_helpers as eo

    assert set(eo.__all__) <= set(dir(eo)) and not {"Path", "Any", "sys"} & set(dir(eo))


def test_formatters_show_them_in_ipython(demo_source, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    import eo_helpers as eo
    from eo_helpers import catalog

    shell = InteractiveShell.instance()
    try:
        commune = eo.commune("99001", demo_source)
        holding = catalog.find("dem", commune, demo_source)
        html = shell.display_formatter.formatters["text/html"]
        assert "Saint-Aubin" in html(commune) and "eo-card" in html(holding)
    finally:
        InteractiveShell.clear_instance()


def test_a_map_minds_no_layout_engine_of_the_session(finding):
    import io
    import warnings

    import matplotlib as mpl

    from eo_helpers.views.notebook import draw

    with mpl.rc_context({"figure.constrained_layout.use": True}), warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(finding, "lcz").savefig(io.BytesIO())


# -- commands that the README shows -------------------------------------------------------------


def readme_commands() -> list[list[str]]:
    """The words before the first option or file of each ``eo-helpers`` line of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^eo-helpers ([^#\n]+)", text, re.M)
    return [line.split() for line in lines]


def test_the_readme_shows_commands():
    assert len(readme_commands()) >= 8


@pytest.mark.parametrize("words", readme_commands(), ids=" ".join)
def test_commands_of_the_readme_exist_with_their_options(words):
    from click.testing import CliRunner

    from eo_helpers.cli import cli

    # A theme after `analyse` is an argument: --help comes first all the same.
    command = [w for w in words[:3] if re.fullmatch(r"[a-z][a-z-]*", w)]
    shown = CliRunner().invoke(cli, [*command, "--help"])
    assert shown.exit_code == 0, shown.output
    for option in (w for w in words if w.startswith("-")):
        assert re.search(rf"(^|\W){re.escape(option)}\b", shown.output), (option, shown.output)


def test_targets_of_make_that_the_readme_names_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"\bmake ([a-z-]+)(?=[`\s]*(?:#|`|\)|$))", text, re.M))
    assert named
    assert named <= targets
