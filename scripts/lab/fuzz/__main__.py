"""Feeds the inspector input after input that a peer might send and should not, and demands that it bears them all.

Each input is a few messages: captured ones and ones made by a grammar, with something wrong in them. It goes to an
inspector under one of several kinds of policing. Nothing may be raised; what is to be forwarded, and what is made up
in the place of what is denied, must be well-formed; tables stay within their limits. Samples are fed in other cuts and
carried on by other inspectors, with the same results demanded, and their cost is counted against a budget for each
octet. Input number N of a seed is always the same. Exit code 0 when there was no trouble, else 1: each failure is
made as small as possible and printed as octets that a test can take up.
"""

import argparse
import os
import sys

from scripts.lab.fuzz import coverage


def main() -> int:
    options = _parse()
    if options.coverage is not None:
        return coverage.run(options.seed, options.seconds or 60.0, options.coverage)
    from scripts.lab.fuzz import pool  # noqa: PLC0415 (it imports the inspector, which coverage.run must be the first to)

    return pool.run(options)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=100_000, metavar="N", help="how many (100000)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first one (0)")
    parser.add_argument("--seconds", type=float, default=0.0, metavar="S", help="stop after so long; 0: when done")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(1)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (one a core)")
    parser.add_argument(
        "--coverage",
        metavar="DIR",
        help="instead: let atheris (the extra `fuzz`) look for new ways through the code, and keep in DIR what"
        " finds some",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
