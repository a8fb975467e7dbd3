import asyncio

async def coro():
    print('coro() runs')
    return 'a result'

async def main():
    # In Python 3.7+
    task = asyncio.create_task(coro())
    print('created')
    print(await task)

asyncio.run(main())
