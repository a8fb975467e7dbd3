# -*- coding: utf-8 -*-
import asyncio
from asyncio import CancelledError, Task, ensure_future
from asyncio import sleep as asyncio_sleep
from typing import Any, Dict

class Sleeper:
    def __init__(self):
        self.tasks: Dict[Any, Task] = dict()

    async def sleep(self, key: Any, seconds: float, result=None) -> Any:
        # The document takes and passes `loop=loop` as well, which Python 3.10 removed.
        coro = asyncio_sleep(seconds, result=result)
        task = ensure_future(coro)
        self.tasks[key] = task
        try:
            return await task
        except CancelledError:
            return result
        finally:
            del self.tasks[key]

    def cancel(self, key: Any) -> None:
        self.tasks[key].cancel()

    def cancel_all(self) -> None:
        for task in self.tasks.values():
            task.cancel()

async def main():
    sleeper = Sleeper()

    async def nap(key, seconds):
        print(f'{key} woke up with', await sleeper.sleep(key, seconds, f'dream of {key}'))

    naps = [asyncio.create_task(nap(key, 3600)) for key in ('first', 'second', 'third')]
    await asyncio.sleep(0.1)
    sleeper.cancel('second')
    await naps[1]
    sleeper.cancel_all()
    await asyncio.gather(*naps)
    await nap('short', 0.1)

asyncio.run(main())
