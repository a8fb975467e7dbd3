"""Two measurements of tasks.ts for asyncio, and for uvloop if it is installed. Prints a JSON list of [what, loop, nanoseconds]."""
import asyncio, json, sys, time


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


def nanoseconds(work, run, n=20_000):
    run(work(n // 10))
    start = time.perf_counter()
    run(work(n))
    return (time.perf_counter() - start) / n * 1e9


runners = {f"asyncio {sys.version_info.major}.{sys.version_info.minor}": asyncio.run}
try:
    import uvloop
except ImportError:
    pass
else:
    runners["uvloop"] = uvloop.run
print(json.dumps([
    [kind, name, nanoseconds(work, run)]
    for kind, work in {"task": task, "future": future}.items()
    for name, run in runners.items()
]))
