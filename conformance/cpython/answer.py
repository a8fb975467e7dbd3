"""Answers programs, one a line: with its traces, or with null when it has no one right answer."""

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
