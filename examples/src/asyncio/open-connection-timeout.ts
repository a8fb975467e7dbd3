import { run, TimeoutError, waitFor } from '@tasktree/core'
import {
  openConnection,
  startServer,
  type StreamReader,
  type StreamWriter,
  type TlsOptions,
} from '@tasktree/net'
import { Queue } from '@tasktree/sync'

interface Client {
  host: string
  port: number
  connectionTimeout: number
  tls?: TlsOptions | true
}

async function connect({ host, port, connectionTimeout, tls }: Client): Promise<void> {
  let writer: StreamWriter
  try {
    const opening = () => openConnection(host, port, tls === undefined ? {} : { tls })
    ;[, writer] = await waitFor(opening, connectionTimeout)
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    console.log('timeout!')
    return
  }
  console.log('connected')
  writer.close()
  await writer.waitClosed()
}

await run(async () => {
  const closed = new Queue<string>()

  // This server never sends anything, so a TLS handshake with it never ends.
  const mute = async (reader: StreamReader): Promise<void> => {
    await reader.read()
    await closed.put('the server saw the connection end')
  }

  await using server = await startServer(mute, '127.0.0.1', 0)
  const { port } = server.sockets[0]!
  await connect({ host: '127.0.0.1', port, connectionTimeout: 10_000 })
  console.log(await closed.get())
  await connect({ host: '127.0.0.1', port, connectionTimeout: 500, tls: true })
  console.log(await closed.get())
})
