import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { serialize } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { encodeFrame, FrameReader, inputPipe, outputPipe } from '../transport/frames.ts'
import { JobClaims } from '../transport/claims.ts'
import type { ToWorker } from '../transport/protocol.ts'
import { WorkerRuntime } from './runtime.ts'

/** A worker process's side. */
export function connectProcess(): void {
  const claims = new JobClaims()
  const runtime = new WorkerRuntime({
    announces: true,
    post: (message) => writeAll(encodeFrame(message)),
    claim: (seq) => claims.claim(seq),
    isCancelled: (seq) => claims.isCancelled(seq),
    send: serialize,
    rest: () => {},
  })
  let isWatched = false
  const reader = new FrameReader((message) => {
    runtime.receive(message as ToWorker)
    if (isWatched) return
    isWatched = true
    startWatch(claims)
  })
  const input = new Socket({ fd: inputPipe, readable: true, writable: false })
  input.on('data', reader.feed)
  input.on('close', () => process.exit())
}

/** Written at once, and not when the event loop comes to it: a job that ends the process cannot take its predecessor's result along. */
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

const pause = new Int32Array(new SharedArrayBuffer(4))

function isAgain(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}

function startWatch(claims: JobClaims): void {
  const options = { execArgv: [], name: 'watch', workerData: claims.memory }
  new Worker(watchEntry, options).unref()
}

const watchEntry: URL = new URL(
  import.meta.url.endsWith('.ts') ? './watch.ts' : './process-watch.js',
  import.meta.url,
)
