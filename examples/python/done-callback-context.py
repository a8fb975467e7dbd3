import asyncio
import contextvars

user = contextvars.ContextVar('user', default='nobody')

def report(fut):
    print(f'{fut.result()} is seen by {user.get()}')

async def main():
    user.set('alice')
    other = contextvars.copy_context()
    other.run(user.set, 'bob')

    fut = asyncio.get_running_loop().create_future()
    fut.add_done_callback(report)
    fut.add_done_callback(report, context=other)
    user.set('carol')  # a callback keeps the context of its registration
    fut.set_result('a result')
    await fut
    await asyncio.sleep(0)

asyncio.run(main())
