import asyncio

async def waiter(name, event, lock, order):
    await event.wait()
    async with lock:
        order.append(name)
        print(name, 'holds the lock')
        await asyncio.sleep(0)

async def ready_consumer(condition, items):
    async with condition:
        await condition.wait_for(lambda: len(items) > 0)
        print('condition: got', items.pop())

async def main():
    event, lock, order = asyncio.Event(), asyncio.Lock(), []
    tasks = [asyncio.create_task(waiter(name, event, lock, order)) for name in ('one', 'two')]
    await asyncio.sleep(0)
    print('event set?', event.is_set())
    event.set()
    await asyncio.gather(*tasks)
    event.clear()  # unlike an auto-reset event of Windows, it stays set until cleared
    print('event set?', event.is_set())

    condition, items = asyncio.Condition(), []
    consumer = asyncio.create_task(ready_consumer(condition, items))
    await asyncio.sleep(0)
    async with condition:
        items.append('an item')
        condition.notify()
    await consumer

    semaphore = asyncio.Semaphore(2)
    await semaphore.acquire()
    await semaphore.acquire()
    print('semaphore locked?', semaphore.locked())
    semaphore.release()
    print('semaphore locked?', semaphore.locked())

    bounded = asyncio.BoundedSemaphore(1)
    try:
        bounded.release()
    except ValueError:
        print('bounded semaphore: released too many times')

asyncio.run(main())
