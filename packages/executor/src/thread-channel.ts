import { type MessagePort, parentPort } from 'node:worker_threads'
import { JobClaims } from './job-claims.ts'
import type { ToWorker } from './protocol.ts'
import { WorkerRuntime } from './worker-runtime.ts'

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
  })
  port.on('message', (message: ToWorker) => runtime.receive(message))
}
