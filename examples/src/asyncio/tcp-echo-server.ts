import { inspect } from 'node:util'
import { run } from '@tasktree/core'
import { createServer, type Protocol, type Transport } from '@tasktree/net'

class EchoServerProtocol implements Protocol {
  #transport: Transport | null = null

  connectionMade(transport: Transport): void {
    const [host, port] = transport.getExtraInfo('peername') as [string, number]
    console.log(`Connection from ('${host}', ${port})`)
    this.#transport = transport
  }

  dataReceived(data: Buffer): void {
    const message = data.toString()
    console.log(`Data received: ${inspect(message)}`)

    console.log(`Send: ${inspect(message)}`)
    this.#transport?.write(data)

    console.log('Close the client socket')
    this.#transport?.close()
  }
}

await run(async () => {
  const port = Number(process.argv[2] ?? 8888)
  await using server = await createServer(() => new EchoServerProtocol(), '127.0.0.1', port)
  await server.serveForever()
})
