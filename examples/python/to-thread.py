import asyncio
import time

def blocking_io():
    time.sleep(2)  # blocks its thread, and only that
    return 'blocking_io complete'

async def ticks(count):
    for i in range(count):
        await asyncio.sleep(0.01)
    return f'{count} ticks meanwhile'

async def main():
    print('started main')
    ticking = asyncio.create_task(ticks(5))
    blocking = asyncio.create_task(asyncio.to_thread(blocking_io))
    print(await ticking)
    print('blocking_io done?', blocking.done())
    print(await blocking)

asyncio.run(main())
