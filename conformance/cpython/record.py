"""Draws programs, keeps those with only one right answer, and writes them with their traces as lines of JSON.

    python3.13 record.py --profile core --seed 1 --count 1000 > core.jsonl

The output depends on the options alone, not on the number of jobs.
"""

import argparse
import gzip
import itertools
import json
import logging
import multiprocessing
import sys
import time
import warnings
from collections import Counter

from duels import Duel
from generator import Generator
from interpreter import Unfit, trace_program
from virtual_loop import BATCH, shakes

PROFILES = {
    "core": Generator,
    "sync": Generator,
    "core-duels": Duel,
    "sync-duels": Duel,
    "messages": Generator,
}

# A program is kept if its answer does not change when the order of callbacks changes. Each entry says which changes are
# tried. "any": any order of the callbacks that are ready at one instant. "batch": any order within one round of the loop,
# so that the answer may depend on how many rounds an operation takes. "plain": no change, so that the answer may depend on
# an order that asyncio does not promise.
ORDERS = {
    "any": shakes,
    "batch": lambda count: [(BATCH, seed) for seed in range(1, count + 1)],
    "plain": lambda count: [],
}


def be_quiet():
    """Turns off the reports about errors and coroutines that a program leaves unretrieved or unawaited."""
    logging.disable()
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda unraisable: None


def answer(program, orders):
    """Returns the traces and "kept", or None and the reason why the program has several right answers."""
    try:
        plain = trace_program(program)
        for order, seed in orders:
            if trace_program(program, order, seed) != plain:
                return None, "depends on the order"
    except Unfit as reason:
        return None, str(reason)
    return plain, "kept"


def is_dull(traces):
    """Whether the traces have few lines, or come from only one task or callback."""
    return len(traces["traces"]) < 2 or sum(map(len, traces["traces"].values())) < 8


def candidate(task):
    seed, profile, order, count = task
    program = PROFILES[profile](seed, profile).program()
    traces, verdict = answer(program, ORDERS[order](count))
    if traces is not None and is_dull(traces):
        traces, verdict = None, "dull"
    if traces is None:
        return None, verdict
    if order != "any" and answer(program, shakes(count))[0] is not None:
        return None, "one answer in any order"
    record = {"profile": profile, "seed": seed, "program": program, **traces}
    return json.dumps(record, separators=(",", ":")), verdict


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", choices=list(PROFILES), default="core")
    parser.add_argument("--seed", type=int, default=1, help="the first one to try")
    parser.add_argument("--count", type=int, default=1000, help="programs to keep")
    parser.add_argument("--shakes", type=int, default=24)
    parser.add_argument("--order", choices=list(ORDERS), default="any")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", help="a .jsonl or .jsonl.gz file; standard output without it")
    options = parser.parse_args()

    be_quiet()
    tasks = ((seed, options.profile, options.order, options.shakes) for seed in itertools.count(options.seed))
    verdicts = Counter()
    began = time.monotonic()
    with open_output(options.out) as output, multiprocessing.Pool(options.jobs) as pool:
        # The seeds are tried in portions, because it is not known before how many of them give a program to keep.
        while verdicts["kept"] < options.count:
            for line, verdict in pool.imap(candidate, itertools.islice(tasks, 256), 16):
                if verdicts["kept"] == options.count:
                    break
                verdicts[verdict] += 1
                if line is not None:
                    output.write(line + "\n")
    tried = sum(verdicts.values())
    print(
        f"kept {verdicts['kept']} of {tried} ({100 * verdicts['kept'] / tried:.1f} %) "
        f"in {time.monotonic() - began:.1f} s; {dict(verdicts)}",
        file=sys.stderr,
    )


def open_output(path):
    if path is None:
        return sys.stdout
    if path.endswith(".gz"):
        # The gzip header has no file name and no time, so that the same programs give the same file.
        raw = gzip.GzipFile(path, "wb", mtime=0)
        raw.name = ""
        return _Text(raw)
    return open(path, "w", encoding="utf-8")


class _Text:
    def __init__(self, raw):
        self._raw = raw

    def write(self, text):
        self._raw.write(text.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._raw.close()


if __name__ == "__main__":
    main()
