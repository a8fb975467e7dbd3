import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { assertCarriable } from '../jobs/carriable.ts'
import { assertCloneable } from '../jobs/cloneable.ts'
import { JobClaims } from '../transport/claims.ts'
import { Doorbell } from '../transport/doorbell.ts'
import { otherRuntime } from '../transport/other-runtime.ts'
import type { ControlMessage, JobsMessage, ThreadIdentity } from '../transport/protocol.ts'
import { afterTicks, Lingerer } from './lingerer.ts'
import { valueIn, WorkerRuntime } from './runtime.ts'

/** Connects a worker thread to its pool: through two ports, and through memory that the worker and the pool share. */
export function connectThread({ memory, control, jobs }: ThreadIdentity): void {
  const claims = new JobClaims(memory)
  const doorbell = new Doorbell(memory)
  const inbox = otherRuntime === undefined ? readPort(jobs, doorbell) : listenToPort(jobs)
  const runtime = new WorkerRuntime({
    announces: false,
    post: (message, transferList = []) => {
      assertCarriable(valueIn(message), 'thread', transferList)
      if (transferList.length === 0) control.postMessage(message)
      else control.postMessage(message, [...transferList])
    },
    receive: inbox,
    claim: (seq) => claims.claim(seq),
    noteEnded: (seq) => claims.noteEnded(seq),
    isCancelled: (seq) => claims.isCancelled(seq),
    tryClone: assertCloneable,
    exit: () => process.exit(),
    rest: () => {
      if (otherRuntime === undefined) lingerer.start()
      else afterTicks(() => runtime.look())
    },
  })
  const lingerer = new Lingerer(doorbell, () => runtime.look())
  const lookOrRest = (): void => {
    doorbell.wake()
    if (!runtime.look() && otherRuntime === undefined) lingerer.start()
  }
  control.on('message', (message: ControlMessage) => {
    runtime.control(message)
    if (message.type === 'look') lookOrRest()
  })
  if (otherRuntime !== undefined) jobs.on('message', () => runtime.look())
  lookOrRest()
}

/** Returns a function that reads the next message directly from the port. */
function readPort(port: MessagePort, doorbell: Doorbell): () => JobsMessage | undefined {
  return () => {
    doorbell.listen()
    return receiveMessageOnPort(port)?.message as JobsMessage | undefined
  }
}

/**
 * Returns a function that takes the next message from a list, which the event loop fills. It replaces `readPort` in
 * runtimes in which a worker cannot read a port directly.
 */
function listenToPort(port: MessagePort): () => JobsMessage | undefined {
  const waiting: JobsMessage[] = []
  port.on('message', (message: JobsMessage) => waiting.push(message))
  return () => waiting.shift()
}
