import asyncio
import sys

def all_tasks(loop: asyncio.AbstractEventLoop):
    if sys.version_info >= (3, 7):
        return getattr(asyncio, "all_tasks")(loop)  # nocov
    else:
        tasks = asyncio.Task.all_tasks(loop)  # type: ignore[attr-defined]
        return {t for t in list(tasks) if not t.done()}

async def main():
    loop = asyncio.get_running_loop()
    asyncio.current_task().set_name('main')
    short = asyncio.create_task(asyncio.sleep(0), name='short')
    long = asyncio.create_task(asyncio.sleep(3600), name='long')
    print(', '.join(sorted(task.get_name() for task in all_tasks(loop))))
    await short
    print(', '.join(sorted(task.get_name() for task in all_tasks(loop))))
    long.cancel()

asyncio.run(main())
