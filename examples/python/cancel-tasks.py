import asyncio

def cancel_tasks(loop: asyncio.AbstractEventLoop, *tasks) -> None:
    if not tasks:
        return

    for task in tasks:
        task.cancel()

    # The document passes `loop=loop` as well, which Python 3.10 removed.
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    for task in tasks:
        if task.cancelled():
            continue
        if task.exception() is not None:
            loop.call_exception_handler(
                {
                    "message": "Unhandled exception during asyncio.run() shutdown",
                    "exception": task.exception(),
                    "task": task,
                }
            )

async def obedient():
    try:
        await asyncio.sleep(3600)
    finally:
        print('obedient: cleaned up')

async def failing():
    try:
        await asyncio.sleep(3600)
    finally:
        raise OSError('cleaning up failed')

loop = asyncio.new_event_loop()
loop.set_exception_handler(
    lambda loop, context: print('handler heard:', context['task'].get_name(), '-', context['exception']))
tasks = [loop.create_task(obedient(), name='obedient'), loop.create_task(failing(), name='failing')]
loop.run_until_complete(asyncio.sleep(0.1))
cancel_tasks(loop, *tasks)
for task in tasks:
    print(task.get_name(), 'cancelled?', task.cancelled())
loop.close()
