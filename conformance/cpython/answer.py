"""Reads one program from each line, and prints its traces under CPython, or null if the program has several right answers."""

import json
import sys

from record import ORDERS, answer, be_quiet


def main():
    be_quiet()
    order = sys.argv[1] if len(sys.argv) > 1 else "any"
    for line in sys.stdin:
        traces, _ = answer(json.loads(line), ORDERS[order](24))
        print(json.dumps(traces), flush=True)


if __name__ == "__main__":
    main()
