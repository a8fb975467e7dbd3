import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { assertCarriable } from '../jobs/carriable.ts'
import { JobClaims } from '../transport/claims.ts'
import { decodeValue, encodeValue } from '../transport/codec.ts'
import { makeWorkerMemory } from '../transport/doorbell.ts'
import { encodeFrame, FrameReader, inputPipe, outputPipe } from '../transport/frames.ts'
import { watchFlags } from '../transport/own-flags.ts'
import {
  type ControlMessage,
  identityKey,
  type JobsMessage,
  type WatchIdentity,
} from '../transport/protocol.ts'
import { afterTicks } from './lingerer.ts'
import { valueIn, WorkerRuntime } from './runtime.ts'

/** Connects a worker process to its pool: through pipes, and with a watch thread that also works while a job blocks. */
export function connectProcess(entry: string): void {
  const memory = makeWorkerMemory()
  const claims = new JobClaims(memory)
  /** Received messages that contain jobs. Each message is decoded only when no job is running. */
  const waiting: Buffer[] = []
  const runtime = new WorkerRuntime({
    announces: true,
    post: (message, _transferList, next) => {
      assertCarriable(valueIn(message), 'process')
      writeAll(encodeFrame(message, next === undefined ? 'other' : 'end', next))
    },
    receive: () => {
      const body = waiting.shift()
      return body === undefined ? undefined : (decodeValue(body) as JobsMessage)
    },
    claim: (seq) => claims.claim(seq),
    noteEnded: (seq) => claims.noteEnded(seq),
    isCancelled: (seq) => claims.isCancelled(seq),
    tryClone: (value) => {
      assertCarriable(value, 'process')
      encodeValue(value)
    },
    exit: () => {
      void flushOutput().then(() => process.exit())
    },
    rest: () => {
      if (waiting.length > 0) afterTicks(() => runtime.look())
    },
  })
  let isWatched = false
  const reader = new FrameReader(
    (body, { kind }) => {
      if (kind === 'jobs') waiting.push(body)
      else runtime.control(decodeValue(body) as ControlMessage)
    },
    () => process.exit(1),
  )
  const input = new Socket({ fd: inputPipe, readable: true, writable: false })
  input.on('data', (chunk: Buffer) => {
    reader.feed(chunk)
    runtime.look()
    if (isWatched) return
    isWatched = true
    startWatch(entry, memory)
  })
  input.on('close', () => process.exit())
}

/** Writes the frame synchronously. Otherwise a later job that ends the process could also lose this result. */
function writeAll(frame: Buffer): void {
  for (let written = 0; written < frame.length;) {
    try {
      written += writeSync(outputPipe, frame, written)
    } catch (error) {
      if (!isAgain(error)) throw error
      Atomics.wait(pause, 0, 0, 1)
    }
  }
}

/** Waits until stdout and stderr are written. `process.exit` would drop what is still in their buffers. */
async function flushOutput(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength === 0) continue
    await new Promise((resolve) => {
      stream.write('', resolve)
    })
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

function isAgain(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}

function startWatch(entry: string, watched: Int32Array): void {
  const identity: WatchIdentity = { watched }
  const options = { execArgv: watchFlags(), name: 'watch', workerData: { [identityKey]: identity } }
  new Worker(entry, options).unref()
}
