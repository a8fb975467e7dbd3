import asyncio
import logging

class Heard(logging.Handler):
    records = 0

    def emit(self, record):
        if 'pipe closed by peer' in record.getMessage():
            Heard.records += 1

logging.getLogger('asyncio').addHandler(Heard())

async def closed_pipe():
    proc = await asyncio.create_subprocess_exec('true', stdin=asyncio.subprocess.PIPE)
    await proc.wait()
    return proc

async def main():
    proc = await closed_pipe()
    for i in range(100):
        proc.stdin.write(b'x' * 1024)
        await asyncio.sleep(0)
    print('without drain, 100 writes: warned more than once?', Heard.records > 1)

    proc = await closed_pipe()
    try:
        while True:
            proc.stdin.write(b'x' * 1024)
            await proc.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        print('with drain: told that the pipe is closed, and stopped')

asyncio.run(main())
