#!/bin/sh
# Records the checked-in programs anew. PYTHON names a CPython 3.13; the output is the same on every run.
set -eu
cd "$(dirname "$0")"
record() {
  "${PYTHON:-python3.13}" record.py --jobs 2 "$@"
}
record --profile core --count 1500 --out ../traces/core.jsonl.gz
record --profile sync --count 1500 --out ../traces/sync.jsonl.gz
record --profile core-duels --count 1000 --out ../traces/core-duels.jsonl.gz
record --profile sync-duels --count 1200 --out ../traces/sync-duels.jsonl.gz
record --profile core --order batch --count 300 --out ../traces/core-rounds.jsonl.gz
record --profile sync --order batch --count 300 --out ../traces/sync-rounds.jsonl.gz
