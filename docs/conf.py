"""How the documentation site is built: ``make docs``, into ``build/docs``.

The source directory is the repository, not ``docs/``: links between the README, the
architecture and the guides are the same relative links on the site as on a forge.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import skykeep  # noqa: E402  (found from here on)

project = "skykeep"
author = "the skykeep authors"
project_copyright = "the skykeep authors; Apache-2.0"
version = release = skykeep.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "scripts.docs_site.contents",
    "scripts.docs_site.docstrings",
    "scripts.docs_site.gate",
    "scripts.docs_site.references",
    "scripts.docs_site.links",
]

# -- what is read

root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "examples/*/README.md"]
exclude_patterns = ["docs/_static/**"]
source_suffix = {".md": "markdown"}

# -- Markdown: links to headings as forges make them; what is beyond it stays readable there

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]
myst_links_external_new_tab = False

# -- docstrings

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autoclass_content = "class"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = False
python_maximum_signature_line_length = 72
add_module_names = False
toc_object_entries_show_parents = "hide"

# -- nothing may lead nowhere

nitpicky = True
show_warning_types = True
highlight_language = "text"

# -- the site; it needs no network: no fonts, scripts or styles from elsewhere

html_theme = "furo"
html_title = f"skykeep {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
html_additional_pages = {"index": "to_first_page.html"}
templates_path = ["_templates"]
pygments_style = "friendly"
pygments_dark_style = "native"
html_theme_options = {"navigation_with_keys": False}
