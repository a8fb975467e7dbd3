import asyncio
import functools

async def main():
    fut = asyncio.get_running_loop().create_future()
    # Call 'print("Future:", fut)' when "fut" is done.
    fut.add_done_callback(
        functools.partial(print, "Future:"))
    fut.set_result('the result')
    print('set')  # callbacks run in the loop's next turn, not now
    await fut
    await asyncio.sleep(0)

asyncio.run(main())
