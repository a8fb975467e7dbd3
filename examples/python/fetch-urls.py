import asyncio

# The document fetches from the internet by `aiohttp.get`, which aiohttp removed; the bodies here come from a
# server of our own, by HTTP/1.0, and `asyncio.wait` takes tasks, no coroutines any more.
bodies = {'/slow': (0.9, 'the slow one'), '/quick': (0.1, 'the quick one'), '/medium': (0.5, 'in between')}

async def handle(reader, writer):
    path = (await reader.readuntil(b'\r\n\r\n')).split()[1].decode()
    delay, body = bodies[path]
    await asyncio.sleep(delay)
    writer.write(b'HTTP/1.0 200 OK\r\n\r\n' + body.encode())
    await writer.drain()
    writer.close()

async def get(url):
    host, _, rest = url.removeprefix('http://').partition(':')
    port, _, path = rest.partition('/')
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f'GET /{path} HTTP/1.0\r\n\r\n'.encode())
    response = (await reader.read()).decode()
    writer.close()
    return response.partition('\r\n\r\n')[2]

async def call_url(url):
    print('Starting {}'.format(url))
    data = await get(url)
    print('{}: {} bytes: {}'.format(url, len(data), data))
    return data

async def main():
    async with await asyncio.start_server(handle, '127.0.0.1', 0) as server:
        port = server.sockets[0].getsockname()[1]
        urls = [f'http://127.0.0.1:{port}{path}' for path in bodies]
        futures = [asyncio.ensure_future(call_url(url)) for url in urls]
        await asyncio.wait(futures)

asyncio.run(main())
