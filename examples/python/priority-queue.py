import asyncio

async def high_priority_task():
    print("High priority task started")
    await asyncio.sleep(1)
    print("High priority task finished")

async def low_priority_task():
    print("Low priority task started")
    await asyncio.sleep(2)
    print("Low priority task finished")

async def main():
    # make a priority queue
    queue = asyncio.PriorityQueue()

    # put jobs into the queue, each with its priority
    await queue.put((0, high_priority_task()))
    await queue.put((1, low_priority_task()))

    # take jobs out of the queue and run them
    while not queue.empty():
        _, task = await queue.get()
        await task

asyncio.run(main())
