"""The same as tasks.ts, for asyncio and, where it is installed, uvloop: prints nanoseconds as JSON."""
import asyncio, json, statistics, sys, time


async def one():
    return 1


async def task(n):
    total = 0
    for _ in range(n):
        total += await asyncio.create_task(one())
    assert total == n


async def future(n):
    loop = asyncio.get_running_loop()
    total = 0
    for _ in range(n):
        fut = loop.create_future()
        loop.call_soon(fut.set_result, 1)
        total += await fut
    assert total == n


def measure(work, run, n=50_000):
    samples = []
    for _ in range(5):
        start = time.perf_counter()
        run(work(n))
        samples.append((time.perf_counter() - start) / n * 1e9)
    return statistics.median(samples)


work = {"task": task, "future": future}[sys.argv[1]]
figures = {f"asyncio {sys.version_info.major}.{sys.version_info.minor}": measure(work, asyncio.run)}
try:
    import uvloop
except ImportError:
    pass
else:
    figures["uvloop"] = measure(work, uvloop.run)
print(json.dumps(figures))
