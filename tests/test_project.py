"""The project's own promises: locked, the same everywhere, explained."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"playwright-python": "playwright"}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wanted(project) -> dict[str, Requirement]:
    texts = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        texts += extra
    return {canonicalize_name(r.name): r for r in map(Requirement, texts)}


@pytest.fixture(scope="module")
def locked() -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        found = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
        if found:
            versions.setdefault(canonicalize_name(found[1]), []).append(found[2])
    return versions


def test_conda_environment_says_the_same_as_pyproject(wanted):
    content = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = {}
    by_pip = next(entry["pip"] for entry in content if isinstance(entry, dict))
    for entry in [*content, *(line for line in by_pip if line != "-e .")]:
        if isinstance(entry, str) and not entry.startswith(("python>", "pip")):
            requirement = Requirement(entry)
            name = CONDA_NAMES.get(requirement.name, requirement.name)
            conda[canonicalize_name(name)] = str(requirement.specifier)
    assert conda == {name: str(r.specifier) for name, r in wanted.items()}
    assert by_pip[-1] == "-e ."


def test_every_dependency_is_locked_within_its_bounds(wanted, locked):
    for name, requirement in wanted.items():
        assert name in locked, f"{name} is not in requirements.lock: run `make lock`"
        for version in locked[name]:
            assert requirement.specifier.contains(version), (name, version)


def test_every_locked_version_has_hashes():
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if "==" in line and not line.lstrip().startswith("#"):
            assert "--hash=sha256:" in line, line[:80]


def test_no_package_registry_is_named():
    # The index of a machine is its own affair: a URL here would be somebody's.
    option = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host|PIP_INDEX_URL=http")
    for name in ("requirements.lock", "environment.yml", "binder/requirements.txt", "Makefile"):
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
            if line.startswith("#") or "--no-emit-index-url" in line:
                continue
            assert not option.search(line), f"{name}:{number}"
            assert "https://" not in line, f"{name}:{number}"


def test_binder_uses_the_lock_and_the_same_python(project):
    assert "-r ../requirements.lock" in (ROOT / "binder/requirements.txt").read_text()
    version = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    assert version in project["requires-python"].replace(">=", "")


def test_binder_opens_the_first_workshop_and_its_links_lead_somewhere():
    folder = ROOT / "binder"
    told = (folder / "README.md").read_text()
    first = json.loads((folder / "jupyter_lab_config.json").read_text())["LabApp"]["default_url"]
    pages = re.findall(r"urlpath=(?:lab/tree|voila/render)/([\w./]+)", told)
    assert len(pages) >= 3
    for page in [*pages, first.removeprefix("/lab/tree/")]:
        assert (ROOT / page).exists(), page
    # repo2docker runs it from the root of the checkout, and only if it may be executed.
    build = folder / "postBuild"
    assert os.access(build, os.X_OK)
    assert build.read_text().startswith("#!")
    for name in re.findall(r"binder/[\w.]+", build.read_text()):
        assert (ROOT / name).is_file(), name


def test_the_site_has_every_page_and_notebook_in_its_contents():
    """Building it takes a minute or two (``make docs``): here, no page is left out."""
    listed: set[Path] = set()
    for page in (ROOT / "docs").glob("*.md"):
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), re.S):
            for line in (x for x in block.splitlines() if x and not x.startswith(":")):
                entry = re.sub(r".*<(.+)>", r"\1", line)
                found = list((ROOT / "docs").glob(f"{entry}.md"))
                found += list((ROOT / "docs").glob(f"{entry}.ipynb"))
                assert found, f"{page.name}: {line}"
                listed.update(path.resolve() for path in found)
    wanted = {
        *(ROOT / "docs").glob("*.md"),
        *(p for p in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts),
        *(ROOT / "notebooks").rglob("*.md"),
        ROOT / "README.md",
    }
    assert wanted - listed == {ROOT / "docs/index.md"}


def test_the_reference_lists_every_package_that_has_methods():
    told = (ROOT / "docs/reference.md").read_text()
    rooms = {p.parent.name for p in (ROOT / "eo_helpers").glob("*/__init__.py")}
    # Screens, the demonstration's drawing and command-line modules are nobody's library.
    assert {r for r in rooms if f"eo_helpers.{r}\n" not in told} == {"app", "demo"}


def test_every_dependency_has_its_line_in_the_docs(wanted):
    lines = (ROOT / "docs/dependencies.md").read_text().splitlines()
    explained = {
        canonicalize_name(m[1]) for m in (re.match(r"\| `([^`]+)` \|", x) for x in lines) if m
    }
    assert explained == set(wanted)


def test_importing_the_package_is_cheap():
    heavy = [
        "geopandas",
        "pandas",
        "numpy",
        "rasterio",
        "xarray",
        "matplotlib",
        "scipy",
        "ipywidgets",
        "voila",
        "dask",
        "distributed",
        "earthaccess",
    ]
    code = (
        f"import sys, eo_helpers, eo_helpers.cli; print([m for m in {heavy!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_no_file_names_a_place_of_this_machine():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    here = f"{ROOT}/"
    for name in files.stdout.split("\n"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size < 5_000_000:
            assert here not in path.read_text(errors="ignore"), name


def test_the_floors_are_kept():
    """A file imports only from the floors below its own (see docs/architecture.md)."""
    floors = [
        "errors text terminal",
        "territory",
        "catalog",
        "timeseries",
        "findings",
        "qgis",
        "THEMES",
        "desealing",  # crosses what other themes found: one floor above them
        "views",
        "app atelier",
    ]
    themes = {"lcz", "lighting", "flood", "coastline", "vegetation"}
    height = {name: i for i, names in enumerate(floors) for name in names.split()}
    pattern = re.compile(r"^from (\.+)([\w.]*) import|^from eo_helpers\.?([\w.]*) import", re.M)
    for path in (ROOT / "eo_helpers").rglob("*.py"):
        parts = path.relative_to(ROOT / "eo_helpers").with_suffix("").parts
        room = parts[0]
        level = height.get("THEMES" if room in themes else room)
        if level is None:
            continue
        for dots, relative, absolute in pattern.findall(path.read_text()):
            if absolute:
                target = absolute.split(".")[0]
            elif len(dots) == len(parts):
                target = relative.split(".")[0]
            else:
                continue
            if not target or target == room:
                continue
            other = height.get("THEMES" if target in themes else target, -1)
            assert other < level, f"{path.relative_to(ROOT)} imports {target}"


def test_every_word_of_the_page_is_in_the_catalogue():
    told = subprocess.run(
        [sys.executable, "tools/translations.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
