import asyncio
import sys

class AsyncPythonSubprocess:
    def __init__(self, code, on_stdout, on_stderr):
        self.code = code
        self.on_stdout = on_stdout
        self.on_stderr = on_stderr
        self.process = None
        self.readers = []

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, '-u', '-c', self.code,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE)
        self.readers = [
            asyncio.create_task(self.read_lines(self.process.stdout, self.on_stdout)),
            asyncio.create_task(self.read_lines(self.process.stderr, self.on_stderr)),
        ]

    async def read_lines(self, stream, callback):
        async for line in stream:
            callback(line.decode().rstrip('\n'))

    async def write(self, line):
        self.process.stdin.write(f'{line}\n'.encode())
        await self.process.stdin.drain()

    async def wait(self):
        await asyncio.gather(*self.readers)
        return await self.process.wait()

    async def stop(self):
        self.process.terminate()
        return await self.wait()

CODE = '''
import sys
for line in sys.stdin:
    word = line.strip()
    if word == 'quit':
        print('bye', file=sys.stderr)
        sys.exit(3)
    print(word.upper())
'''

async def main():
    heard = asyncio.Queue()
    process = AsyncPythonSubprocess(
        CODE,
        on_stdout=lambda line: heard.put_nowait(f'stdout: {line}'),
        on_stderr=lambda line: heard.put_nowait(f'stderr: {line}'))
    await process.start()
    await process.write('hello')
    print(await heard.get())
    await process.write('quit')
    print(await heard.get())
    print('ended with', await process.wait())

    process = AsyncPythonSubprocess(CODE, print, print)
    await process.start()
    print('stopped with', await process.stop())

asyncio.run(main())
