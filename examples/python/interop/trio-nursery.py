import trio

async def child(name, seconds):
    try:
        await trio.sleep(seconds)
        print(name, 'has slept')
    except trio.Cancelled:
        print(name, 'was cancelled')
        raise

async def service(task_status=trio.TASK_STATUS_IGNORED):
    await trio.sleep(0.1)
    task_status.started('port 8080')
    await trio.sleep_forever()

async def failing():
    await trio.sleep(0.1)
    raise ValueError('broken')

async def main():
    # A nursery waits for its children.
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child, 'one', 0.2)
        nursery.start_soon(child, 'two', 0.1)
    print('all have ended')

    # Its cancel scope ends them.
    async with trio.open_nursery() as nursery:
        print('the service listens at', await nursery.start(service))
        nursery.start_soon(child, 'three', 3600)
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    print('the cancel was caught:', nursery.cancel_scope.cancelled_caught)

    # A failure ends the others.
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child, 'four', 3600)
            nursery.start_soon(failing)
    except* ValueError as group:
        print('failed:', group.exceptions[0])

    # A scope with a deadline, and what is shielded from it.
    with trio.move_on_after(0.2) as scope:
        with trio.CancelScope(shield=True):
            await child('five', 0.4)
        await trio.sleep_forever()
    print('moved on:', scope.cancelled_caught)

trio.run(main)
