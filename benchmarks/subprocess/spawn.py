"""Does the measurements of spawn.ts with asyncio, and with uvloop if it is installed."""

import asyncio
import statistics
import sys
import time

SPAWNS, ROUNDS, MEBIBYTES = 60, 9, 256


async def collect():
    process = await asyncio.create_subprocess_exec("echo", "hello", stdout=-1, stderr=-1, stdin=-1)
    assert (await process.communicate())[0] == b"hello\n"


async def through(data):
    process = await asyncio.create_subprocess_exec("cat", stdout=-1, stdin=-1)
    assert len((await process.communicate(data))[0]) == len(data)


async def main():
    samples = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(SPAWNS):
            await collect()
        samples.append((time.perf_counter() - start) / SPAWNS * 1000)
    print(f"{NAME}: {statistics.median(samples):.2f} ms")
    data = b"x" * (MEBIBYTES << 20)
    speeds = []
    for _ in range(3):
        start = time.perf_counter()
        await through(data)
        speeds.append(MEBIBYTES / (time.perf_counter() - start))
    print(f"{NAME}: {statistics.median(speeds):.0f} MiB/s")


NAME = f"asyncio {sys.version_info.major}.{sys.version_info.minor}"
asyncio.run(main())
try:
    import uvloop

    NAME = "uvloop"
    uvloop.run(main())
except ImportError:
    pass
