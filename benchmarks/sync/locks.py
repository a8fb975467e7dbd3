"""Measures asyncio's locks and queues. Prints the nanoseconds per operation of lock, contended, queue and pipe."""
import asyncio
import statistics
import time


async def lock(n):
    lock, count = asyncio.Lock(), 0
    for _ in range(n):
        async with lock:
            count += 1
    return count


async def contended(n):
    lock, count = asyncio.Lock(), 0

    async def contender():
        nonlocal count
        async with lock:
            count += 1

    for _ in range(n // 100):
        await asyncio.gather(*(contender() for _ in range(100)))
    return count


async def queue(n):
    queue, count = asyncio.Queue(), 0
    for _ in range(n):
        await queue.put(1)
        count += await queue.get()
    return count


async def pipe(n):
    queue, count = asyncio.Queue(10), 0

    async def produce():
        for _ in range(n):
            await queue.put(1)

    producer = asyncio.ensure_future(produce())
    for _ in range(n):
        count += await queue.get()
    await producer
    return count


async def measure(work, n):
    samples = []
    for _ in range(3):
        start = time.perf_counter_ns()
        assert await work(n) == n
        samples.append((time.perf_counter_ns() - start) / n)
    return statistics.median(samples[1:])


async def main():
    print(*[await measure(work, 20_000) for work in (lock, contended, queue, pipe)])


asyncio.run(main())
