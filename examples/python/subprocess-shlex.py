import asyncio
import shlex

async def run(cmd):
    args = shlex.split(cmd)
    for arg in args:
        print(repr(arg))
    proc = await asyncio.create_subprocess_exec(
        *args,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE)

    stdout, stderr = await proc.communicate()

    print(f'[{shlex.join(args)} exited with {proc.returncode}]')
    if stdout:
        print(f'[stdout]\n{stdout.decode()}')
    if stderr:
        print(f'[stderr]\n{stderr.decode()}')

asyncio.run(run('printf "%s|" one "two words" $HOME'))
