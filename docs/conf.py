"""Sphinx configuration of the manual."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "django-fsspec-storages"
author = "django-fsspec-storages contributors"
copyright = f"2026, {author}"
release = installed_version("django-fsspec-storages")
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build", "_generated"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

html_theme = "furo"
html_title = f"{project} {release}"
html_theme_options = {
    "source_repository": "https://github.com/django-fsspec-storages/django-fsspec-storages/",
    "source_branch": "main",
    "source_directory": "docs/",
}
