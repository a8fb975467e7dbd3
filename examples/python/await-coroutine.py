import asyncio

async def add(a, b):
    print('add: {0} + {1}'.format(a, b))
    await asyncio.sleep(1.0)  # waits for 1 second; asyncio.sleep is a native coroutine too
    return a + b  # returns the sum of the two numbers

async def print_add(a, b):
    result = await add(a, b)  # runs another native coroutine and keeps what it returns
    print('print_add: {0} + {1} = {2}'.format(a, b, result))

loop = asyncio.get_event_loop()  # gets the event loop
loop.run_until_complete(print_add(1, 2))  # runs the event loop until print_add has ended
loop.close()  # closes the event loop
