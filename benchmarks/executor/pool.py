"""Measures Python's pools of two threads and of two processes. Prints the microseconds of a job, one at a time and 64 in flight."""
import json
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, ThreadPoolExecutor, wait


def increment(n):
    return n + 1


def one_at_a_time(pool, count):
    start = time.perf_counter()
    done = sum(pool.submit(increment, i).result() == i + 1 for i in range(count))
    assert done == count
    return (time.perf_counter() - start) / count * 1e6


def in_flight(pool, count, width=64):
    start = time.perf_counter()
    pending = set()
    done = 0
    for i in range(count):
        pending.add(pool.submit(increment, i))
        if len(pending) >= width:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            done += len(finished)
    done += len(wait(pending).done)
    assert done == count
    return (time.perf_counter() - start) / count * 1e6


if __name__ == "__main__":
    out = {}
    for name, kind in (("thread", ThreadPoolExecutor), ("process", ProcessPoolExecutor)):
        with kind(2) as pool:
            one_at_a_time(pool, 100)
            out[name] = [one_at_a_time(pool, 1000), in_flight(pool, 3000)]
    print(json.dumps(out))
