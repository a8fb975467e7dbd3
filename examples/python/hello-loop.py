import asyncio

async def hello():  # async def makes a native coroutine
    print('Hello, world!')

loop = asyncio.get_event_loop()  # gets the event loop
loop.run_until_complete(hello())  # waits until hello has ended
loop.close()  # closes the event loop
