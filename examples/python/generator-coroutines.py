import asyncio
import types

# The document's `@asyncio.coroutine` left in Python 3.11; `types.coroutine` is what remains of it.

@types.coroutine
def add(a, b):
    print('add: {0} + {1}'.format(a, b))
    yield from asyncio.sleep(0.1)
    return a + b

@types.coroutine
def main():
    loop = asyncio.get_running_loop()
    # variable = yield from a coroutine object
    result = yield from add(1, 2)
    print('a coroutine:', result)
    # variable = yield from a future object
    future = loop.create_future()
    loop.call_soon(future.set_result, 4)
    result = yield from future
    print('a future:', result)
    # variable = yield from a task object
    task = asyncio.ensure_future(add(5, 6))
    result = yield from task
    print('a task:', result)

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
