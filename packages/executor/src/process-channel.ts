import { readSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { serialize } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { encodeFrame, FrameReader, inputPipe, lifePipe, outputPipe } from './frames.ts'
import type { ToWorker } from './protocol.ts'
import { WorkerRuntime } from './worker-runtime.ts'

/** How long the code of a job can go on before it looks for messages by itself. */
const pollInterval = 5

/** A worker process's side. */
export function connectProcess(): void {
  const runtime = new WorkerRuntime({
    announces: true,
    post: (message) => writeAll(encodeFrame(message)),
    poll,
    claim: () => true,
    isCancelled: () => {
      poll()
      // The message itself aborts the job.
      return false
    },
    send: serialize,
  })
  let isAlive = false
  const reader = new FrameReader((message) => {
    runtime.receive(message as ToWorker)
    if (isAlive) return
    isAlive = true
    watchParent()
  })
  const input = new Socket({ fd: inputPipe, readable: true, writable: false })
  input.on('data', reader.feed)
  input.on('close', () => process.exit())

  let lastPoll = performance.now()
  const room = Buffer.allocUnsafe(64 * 1024)
  /** Reads past the event loop: the code of a job may block it. */
  function poll(): void {
    if (performance.now() - lastPoll < pollInterval) return
    try {
      for (;;) {
        const length = readSync(inputPipe, room)
        if (length === 0) break
        reader.feed(Buffer.from(room.subarray(0, length)))
      }
    } catch (error) {
      if (!isAgain(error)) throw error
    }
    lastPoll = performance.now()
  }
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

/** A thread that ends the process when the pool's process has died, also while a job's code blocks. */
function watchParent(): void {
  const code = `
    const { Socket } = require('node:net')
    new Socket({ fd: ${lifePipe} }).on('close', () => process.kill(process.pid, 'SIGKILL')).resume()`
  new Worker(code, { eval: true, execArgv: [], name: 'parent watch' }).unref()
}
