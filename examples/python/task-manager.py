import asyncio

class TaskManager:
    def __init__(self, on_error):
        self.tasks = {}
        self.on_error = on_error

    def create(self, name, coro):
        if name in self.tasks and not self.tasks[name].done():
            coro.close()
            raise RuntimeError(f'a task named {name} is already running')
        task = asyncio.create_task(coro, name=name)
        task.add_done_callback(self.ended)
        self.tasks[name] = task
        return task

    def ended(self, task):
        if not task.cancelled() and task.exception() is not None:
            self.on_error(task.exception(), task.get_name())

    async def cancel(self, name):
        task = self.tasks.get(name)
        if task is None or task.done():
            return False
        task.cancel()
        await asyncio.wait([task])
        return True

    async def cancel_all(self):
        await asyncio.gather(*[self.cancel(name) for name in list(self.tasks)])

    def states(self):
        def state(task):
            if not task.done():
                return 'running'
            if task.cancelled():
                return 'cancelled'
            return 'failed' if task.exception() else 'done'
        return [(name, state(task)) for name, task in self.tasks.items()]

async def forever(name):
    try:
        await asyncio.sleep(3600)
    finally:
        print(name, 'cleaned up')

async def briefly():
    await asyncio.sleep(0.1)

async def badly():
    await asyncio.sleep(0.1)
    raise ValueError('out of luck')

async def main():
    manager = TaskManager(on_error=lambda error, name: print(f'{name} failed: {error}'))
    manager.create('poller', forever('poller'))
    manager.create('cache', forever('cache'))
    brief = manager.create('brief', briefly())
    bad = manager.create('bad', badly())
    try:
        manager.create('poller', forever('poller'))
    except RuntimeError:
        print('a second poller is refused')
    await asyncio.wait([brief, bad])
    await asyncio.sleep(0)
    print('cancelled poller?', await manager.cancel('poller'))
    print('cancelled brief?', await manager.cancel('brief'))
    for name, state in manager.states():
        print(f'{name}: {state}')
    await manager.cancel_all()

asyncio.run(main())
