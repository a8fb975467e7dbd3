import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Checks the queue `q` of a server that was killed and started again. It is called when every job has its result, and returns how
 * many messages are left in the stream of the queue.
 *
 * nats-server keeps in memory which messages of a file were acknowledged, and writes that to the file later. A kill loses this
 * data, and the restarted server finds the acknowledged messages in the file again. But the server has another file, written
 * sooner, with the messages that the worker's consumer has received and acknowledged. So the restarted server keeps such a
 * message, and does not deliver it again. It stays until a worker finds and deletes it.
 *
 * This function proves that no waiting job is among these messages. The worker's requests are open, and the server delivers
 * nothing for more than twice the time after which it delivers a message again. And each message that is left belongs to a job
 * whose result is stored.
 */
export async function checkLeftovers(
  servers: string,
  namespace: string,
  ackWait: number,
): Promise<number> {
  const connection = await connect({ servers })
  try {
    const manager = await jetstreamManager(connection)
    const stream = `${namespace}_JOBS_q`
    const look = async (): Promise<{ delivered: number; requests: number; left: number }> => {
      const { state } = await manager.streams.info(stream)
      const consumer = await manager.consumers.info(stream, 'workers')
      const { num_pending: pending, num_waiting: requests, delivered } = consumer
      if (pending > 0) return { delivered: NaN, requests, left: state.messages }
      return { delivered: delivered.consumer_seq, requests, left: state.messages }
    }
    const giveUp = performance.now() + 60_000
    let before = await look()
    for (;;) {
      await delay(2.5 * ackWait)
      const now = await look()
      if (now.delivered === before.delivered && now.left === before.left && now.requests > 0) break
      if (performance.now() > giveUp) {
        throw new Error(`the server still delivers: ${JSON.stringify([before, now])}`)
      }
      before = now
    }
    const results = await new Kvm(jetstream(connection)).open(`${namespace}_result`)
    const { state } = await manager.streams.info(stream)
    for (let left = before.left, seq = state.first_seq; left > 0; seq++) {
      const message = seq <= state.last_seq && (await manager.streams.getMessage(stream, { seq }))
      if (message === false) throw new Error(`${left} messages are not found`)
      if (message === null) continue
      left--
      const id = message.header.get('Tasktree-Id')
      if ((await results.get(id)) === null)
        throw new Error(`the job ${id} is left without a result`)
    }
    return before.left
  } finally {
    await connection.close()
  }
}
