import asyncio

async def succeed(name, seconds):
    await asyncio.sleep(seconds)
    return name

async def fail(seconds):
    await asyncio.sleep(seconds)
    raise ValueError('no luck')

async def show(return_when):
    tasks = [
        asyncio.create_task(succeed('quick', 0), name='quick'),
        asyncio.create_task(fail(1), name='failing'),
        asyncio.create_task(succeed('slow', 2), name='slow'),
    ]
    done, pending = await asyncio.wait(tasks, return_when=return_when)
    print(return_when)
    print('  done:', ', '.join(sorted(task.get_name() for task in done)))
    print('  pending:', ', '.join(sorted(task.get_name() for task in pending)) or 'none')
    for task in pending:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

async def main():
    await show(asyncio.FIRST_COMPLETED)
    await show(asyncio.FIRST_EXCEPTION)
    await show(asyncio.ALL_COMPLETED)

asyncio.run(main())
