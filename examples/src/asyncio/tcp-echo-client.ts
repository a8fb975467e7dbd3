import { inspect } from 'node:util'
import { Future, run } from '@tasktree/core'
import { createConnection, type Protocol, type Transport } from '@tasktree/net'

class EchoClientProtocol implements Protocol {
  readonly #message: string
  readonly #onConLost: Future<boolean>

  constructor(message: string, onConLost: Future<boolean>) {
    this.#message = message
    this.#onConLost = onConLost
  }

  connectionMade(transport: Transport): void {
    transport.write(this.#message)
    console.log(`Data sent: ${inspect(this.#message)}`)
  }

  dataReceived(data: Buffer): void {
    console.log(`Data received: ${inspect(data.toString())}`)
  }

  connectionLost(): void {
    console.log('The server closed the connection')
    this.#onConLost.setResult(true)
  }
}

await run(async () => {
  const onConLost = new Future<boolean>()
  const message = 'Hello World!'
  const port = Number(process.argv[2] ?? 8888)

  const [transport] = await createConnection(
    () => new EchoClientProtocol(message, onConLost),
    '127.0.0.1',
    port,
  )

  // Wait until the protocol signals that the connection
  // is lost and close the transport.
  try {
    await onConLost
  } finally {
    transport.close()
  }
})
