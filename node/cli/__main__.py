"""`python -m node.cli`: the same as `tandem`."""

from node.cli.main import app

app(prog_name="tandem")
