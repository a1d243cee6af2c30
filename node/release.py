"""Which release this is."""

VERSION = "0.2.0"
"""The package's own; pyproject.toml takes it from here."""
SOFTWARE = f"iccp-tandem {VERSION}"
