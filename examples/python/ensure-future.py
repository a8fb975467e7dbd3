import asyncio

async def coro():
    print('coro() runs')
    return 'a result'

async def main():
    # This works in all Python versions but is less readable
    task = asyncio.ensure_future(coro())
    print('created')
    print(await task)
    print('a future is left as it is:', asyncio.ensure_future(task) is task)

asyncio.run(main())
