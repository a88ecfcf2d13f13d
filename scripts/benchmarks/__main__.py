"""``scripts/bench [NAME …] [--json]``."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from benchmarks.common import Result, show

NAMES = ("ingest", "import", "tree", "proofs", "verify", "audit", "storage")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    options = parser.parse_args()
    results: list[Result] = []
    for name in options.names or NAMES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        module = importlib.import_module(f"benchmarks.{'bulk' if name == 'import' else name}")
        found = module.measure()
        results += found
        if not options.json:
            for result in found:
                print(show(result), flush=True)
    if options.json:
        print(json.dumps([result.as_json() for result in results], indent=1))


if __name__ == "__main__":
    main()
