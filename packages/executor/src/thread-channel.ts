import { type MessagePort, parentPort } from 'node:worker_threads'
import { cancelledSlot, claimedSlot, type ToWorker } from './protocol.ts'
import { WorkerRuntime } from './worker-runtime.ts'

/** A worker thread's side: messages, and the shared memory in which jobs are claimed. */
export function connectThread(shared: Int32Array): void {
  const port = parentPort as MessagePort
  const runtime = new WorkerRuntime({
    announces: false,
    post: (message, transferList) => {
      if (transferList === undefined || transferList.length === 0) port.postMessage(message)
      else port.postMessage(message, [...transferList])
    },
    poll: () => {},
    claim: (seq) => Atomics.compareExchange(shared, claimedSlot, seq - 1, seq) === seq - 1,
    isCancelled: (seq) => Atomics.load(shared, cancelledSlot) === seq,
    send: structuredClone,
  })
  port.on('message', (message: ToWorker) => runtime.receive(message))
}
