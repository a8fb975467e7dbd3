import { availableParallelism } from 'node:os'
import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { JobClaims } from '../transport/claims.ts'
import { Lingerer } from './lingerer.ts'
import { otherRuntime } from '../transport/other-runtime.ts'
import type { ToWorker } from '../transport/protocol.ts'
import { WorkerRuntime } from './runtime.ts'

/** A worker thread's side: messages, and the shared memory in which jobs are claimed. */
export function connectThread(shared: Int32Array): void {
  const port = parentPort as MessagePort
  const claims = new JobClaims(shared)
  const runtime = new WorkerRuntime({
    announces: false,
    post: (message, transferList) => {
      if (transferList === undefined || transferList.length === 0) port.postMessage(message)
      else port.postMessage(message, [...transferList])
    },
    claim: (seq) => claims.claim(seq),
    isCancelled: (seq) => claims.isCancelled(seq),
    send: structuredClone,
    rest: () => {
      if (lingers) lingerer.start()
    },
  })
  const lingerer = new Lingerer(() => {
    const received = receiveMessageOnPort(port)
    if (received === undefined) return false
    runtime.receive(received.message as ToWorker)
    return true
  })
  port.on('message', (message: ToWorker) => runtime.receive(message))
}

/** On one core it would keep the pool from sending what it looks for; other runtimes' ports cannot be read so. */
const lingers = availableParallelism() > 1 && otherRuntime === undefined
