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
    # 우선순위 큐 생성
    queue = asyncio.PriorityQueue()

    # 작업을 우선순위와 함께 큐에 추가
    await queue.put((0, high_priority_task()))
    await queue.put((1, low_priority_task()))

    # 큐에서 작업을 가져와 실행
    while not queue.empty():
        _, task = await queue.get()
        await task

asyncio.run(main())
