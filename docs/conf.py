"""The documentation site: ``make docs`` writes it in ``docs/_build/html``.

Its source folder is the whole checkout, so that links between README, docs and notebooks are
the same on the site, on a forge and on disk. Nothing is fetched while it is built or read.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# Signatures are read, nothing runs: no map server, no display.
os.environ.setdefault("MPLBACKEND", "agg")

project = "eo_helpers"
author = "eo_helpers contributors"
copyright = author
root_doc = "docs/index"
language = "fr"
smartquotes = False  # they turn « l'[lien] » round

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
include_patterns = [
    "README.md",
    "SECURITY.md",
    "deploy/README.md",
    "docs/**",
    "notebooks/**",
    "binder/README.md",
]
exclude_patterns = [
    "docs/_build",
    "docs/_templates",
    "**/.ipynb_checkpoints",
    ".venv",
    ".git",
    "eo_helpers",
    "tests",
]

# Notebooks are shown as they are kept: without results. The tests execute them.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = [
    # Links to what is no page of the site (a folder, a script): plain text there.
    "myst.xref_missing",
    # Several themes have a module or a class of the same name (``data``, ``Weights``): a short
    # reference leads to one of them.
    "ref.python",
]

autosummary_generate = True
autosummary_ignore_module_all = False  # a module's __all__ says what is public
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the numpy-style sections give types, with shapes and units
napoleon_google_docstring = False
napoleon_use_rtype = False
# autosummary looks under the source folder, Sphinx under this one: the same for both.
templates_path = [str(ROOT / "docs" / "_templates")]

html_theme = "sphinx_book_theme"
html_title = "eo_helpers"
html_static_path: list[str] = []
html_extra_path = ["_static/index.html"]  # the site's root leads to its first page
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "show_toc_level": 2,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
}
