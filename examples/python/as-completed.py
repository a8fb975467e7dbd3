import asyncio

async def after(seconds, name):
    await asyncio.sleep(seconds)
    return name

async def main():
    coros = [after(0.9, 'third'), after(0.1, 'first'), after(0.5, 'second')]
    for next_one in asyncio.as_completed(coros):
        print(await next_one)

asyncio.run(main())
