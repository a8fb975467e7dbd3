import asyncio

async def main():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(0.1, future.set_result, 42)
    print('done before:', future.done())
    result = await future
    print('result:', result)
    print('done after:', future.done())

asyncio.run(main())
