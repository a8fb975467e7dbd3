import asyncio

async def add(a, b):
    print('add: {0} + {1}'.format(a, b))
    await asyncio.sleep(0.1)
    return a + b

async def main():
    task = asyncio.create_task(add(1, 2), name='adder')
    print('main: created', task.get_name())
    result = await task
    print('main: 1 + 2 =', result)

asyncio.run(main())
