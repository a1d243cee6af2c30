"""`python -m node.cli`: the same as `tandem`."""

from node.cli.main import main

main()
