"""The stock signatures for programs, node/signatures/stock.json, from those for people, stock.yaml beside it.

python -m scripts.stock            write it
python -m scripts.stock --check    exit code 1 if it is not current
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from node.documents import positions
from node.signatures import load

STOCK: Final = Path(load.__file__).parent / "stock.json"
YAML: Final = STOCK.with_suffix(".yaml")


def text() -> str:
    """What the file should hold: a signature a line. Raises ConfigErrors if the YAML is not sound."""
    load.checked(YAML.read_text("utf-8"), YAML.name)
    data = positions.read(YAML.read_text("utf-8"), load.BOUNDS.nodes, load.EXAMPLE).data
    return "{" + ",\n".join(_section(name, entries) for name, entries in data.items()) + "}\n"


def _section(name: str, entries: Iterable[Mapping[str, Any]]) -> str:
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in entries)
    return f'"{name}": [\n{lines}\n]'


def main() -> int:
    made = text()
    if "--check" in sys.argv[1:]:
        current = STOCK.exists() and STOCK.read_text("utf-8") == made
        if not current:
            print(f"{STOCK} is not current: python -m scripts.stock", file=sys.stderr)
        return int(not current)
    STOCK.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
