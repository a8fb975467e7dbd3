import asyncio, sys

loop_kind, kind = sys.argv[1:]


async def stream(reader, writer):
    while data := await reader.read(102_400):
        writer.write(data)
        await writer.drain()
    writer.close()


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def main():
    if kind == 'streams':
        server = await asyncio.start_server(stream, '127.0.0.1', 0)
    else:
        server = await asyncio.get_running_loop().create_server(Echo, '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if loop_kind == 'uvloop':
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
