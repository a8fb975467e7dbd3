import asyncio

async def hello():
    print('Hello, world!')

asyncio.run(hello())
