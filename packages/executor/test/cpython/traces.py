"""Prints what the executors of CPython 3.13 answer, as JSON. traces.json holds this output, and traces.test.ts runs the
same programs on the pools of this package.
"""
import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor


def name_of(error):
    return type(error).__name__


def end_of(future):
    if future.cancelled():
        return "CancelledError"
    error = future.exception()
    return future.result() if error is None else name_of(error)


def fail_on_odd(n):
    if n % 2 == 1:
        raise ValueError(f"odd {n}")
    return n * 10


def read(results):
    ends = []
    try:
        for result in results:
            ends.append(result)
    except BaseException as error:
        ends.append(name_of(error))
    ends.append(next(iter(results), "the end"))
    return ends


def cancel_while_one_runs(pool):
    gate = threading.Event()
    ran = []
    jobs = [pool.submit(gate.wait)] + [pool.submit(ran.append, n) for n in range(4)]
    cancelled = [jobs[2].cancel(), jobs[4].cancel()]
    gate.set()
    pool.shutdown()
    return [cancelled, [job.cancelled() for job in jobs], ran]


def cancel_when_done(pool):
    job = pool.submit(fail_on_odd, 2)
    job.result()
    return [job.cancel(), end_of(job)]


def shut_down_with_cancel(pool):
    started, gate = threading.Event(), threading.Event()

    def wait():
        started.set()
        return gate.wait()

    jobs = [pool.submit(wait)] + [pool.submit(fail_on_odd, n) for n in (2, 4)]
    started.wait()
    pool.shutdown(wait=False, cancel_futures=True)
    gate.set()
    pool.shutdown()
    return [end_of(job) for job in jobs]


def shut_down(pool):
    jobs = [pool.submit(fail_on_odd, n) for n in (2, 1, 4)]
    pool.shutdown()
    pool.shutdown()
    try:
        pool.submit(fail_on_odd, 2)
    except BaseException as error:
        return [*map(end_of, jobs), name_of(error)]


def map_fails(pool):
    return read(pool.map(fail_on_odd, [0, 2, 3, 4, 5]))


def map_fails_in_chunks(pool):
    return read(pool.map(fail_on_odd, [0, 2, 3, 4, 5], chunksize=2))


def map_times_out(pool):
    gate = threading.Event()
    results = pool.map(lambda n: gate.wait() if n == 1 else n, [0, 1, 2], timeout=0.2)
    ends = read(results)
    gate.set()
    return ends


def map_goes_on_after_shutdown(pool):
    results = pool.map(fail_on_odd, [0, 2, 4])
    pool.shutdown()
    return read(results)


async def run_three_jobs(pool):
    loop = asyncio.get_running_loop()
    jobs = [loop.run_in_executor(pool, fail_on_odd, n) for n in (0, 1, 2)]
    return [
        end if isinstance(end, int) else name_of(end)
        for end in await asyncio.gather(*jobs, return_exceptions=True)
    ]


def two_runs_share_a_pool(pool):
    ends = [None, None]

    def start(i):
        ends[i] = asyncio.run(run_three_jobs(pool))

    threads = [threading.Thread(target=start, args=[i]) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def cancel_a_waiting_task(pool):
    async def main():
        gate = threading.Event()
        loop = asyncio.get_running_loop()
        first = loop.run_in_executor(pool, gate.wait)
        ran = []
        task = asyncio.create_task(asyncio.wait_for(loop.run_in_executor(pool, ran.append, 1), 60))
        after = loop.run_in_executor(pool, ran.append, 2)
        await asyncio.sleep(0.01)
        task.cancel()
        ends = [name_of(end) for end in await asyncio.gather(task, return_exceptions=True)]
        gate.set()
        await asyncio.gather(first, after)
        return [ends, ran]

    return asyncio.run(main())


def time_out_a_waiting_job(pool):
    async def main():
        gate = threading.Event()
        loop = asyncio.get_running_loop()
        first = loop.run_in_executor(pool, gate.wait)
        ran = []
        waiting = loop.run_in_executor(pool, ran.append, 1)
        try:
            async with asyncio.timeout(0.02):
                await waiting
        except BaseException as error:
            end = name_of(error)
        gate.set()
        await first
        await loop.run_in_executor(pool, ran.append, 2)
        return [end, waiting.cancelled(), ran]

    return asyncio.run(main())


programs = [
    cancel_while_one_runs,
    cancel_when_done,
    shut_down_with_cancel,
    shut_down,
    map_fails,
    map_fails_in_chunks,
    map_times_out,
    map_goes_on_after_shutdown,
    two_runs_share_a_pool,
    cancel_a_waiting_task,
    time_out_a_waiting_job,
]


def trace(program):
    with ThreadPoolExecutor(1) as pool:
        return program(pool)


print(json.dumps({program.__name__: trace(program) for program in programs}, indent=2))
