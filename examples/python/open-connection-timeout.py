import asyncio
import ssl

class Client:
    def __init__(self, host, port, connection_timeout, ssl=None):
        self.host = host
        self.port = port
        self.connection_timeout = connection_timeout
        self.ssl = ssl

    async def connect(self):
        # The document passes `loop=self.loop` as well, which Python 3.10 removed.
        fut = asyncio.open_connection(self.host, self.port, ssl=self.ssl)
        try:
            r, w = await asyncio.wait_for(fut, timeout=self.connection_timeout)
        except asyncio.TimeoutError:
            print('timeout!')
            return
        print('connected')
        w.close()
        await w.wait_closed()

async def main():
    closed = asyncio.Queue()

    async def mute(reader, writer):
        # It never says a word: no client gets through a TLS handshake with it.
        try:
            await reader.read()
        except ConnectionError:
            pass
        writer.close()
        await closed.put('the server saw the connection end')

    server = await asyncio.start_server(mute, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        await Client('127.0.0.1', port, 10.0).connect()
        print(await closed.get())
        await Client('127.0.0.1', port, 0.5, ssl.create_default_context()).connect()
        print(await closed.get())

asyncio.run(main())
