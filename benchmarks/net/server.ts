import { createServer as createRaw } from 'node:net'
import { run } from '@tasktree/core'
import { createServer, type Server, startServer, type Transport } from '@tasktree/net'

const kind = process.argv[2]

if (kind === 'raw') {
  const server = createRaw({ noDelay: true }, (socket) => {
    socket.on('data', (data) => {
      if (!socket.write(data)) {
        socket.pause()
        socket.once('drain', () => socket.resume())
      }
    })
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1', () => {
    console.log((server.address() as { port: number }).port)
  })
} else {
  await run(async () => {
    const server = await (kind === 'streams' ? streams() : protocol())
    console.log(server.sockets[0]?.port)
    await server.serveForever()
  })
}

function streams(): Promise<Server> {
  return startServer(
    async (reader, writer) => {
      for (;;) {
        const data = await reader.read(102_400)
        if (data.length === 0) return
        writer.write(data)
        await writer.drain()
      }
    },
    '127.0.0.1',
    0,
  )
}

function protocol(): Promise<Server> {
  return createServer(
    () => {
      let to: Transport
      return {
        connectionMade: (transport) => (to = transport),
        dataReceived: (data) => to.write(data),
      }
    },
    '127.0.0.1',
    0,
  )
}
