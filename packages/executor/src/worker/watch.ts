/**
 * A thread of each worker process, which goes on while a job's code blocks: it takes back jobs that have
 * not started, marks the one that is to stop, and ends the process when the pool's process has died.
 */
import { Socket } from 'node:net'
import { workerData } from 'node:worker_threads'
import { lifePipe } from '../transport/frames.ts'
import { JobClaims } from '../transport/claims.ts'
import { encodeWords, readWords } from '../transport/watch-words.ts'

const claims = new JobClaims(workerData as Int32Array)
const socket = new Socket({ fd: lifePipe, readable: true, writable: true })
socket.on('error', () => {})
socket.on('close', () => process.kill(process.pid, 'SIGKILL'))
socket.on(
  'data',
  readWords(1, (word) => {
    if (word < 0) claims.cancel(-word)
    else socket.write(encodeWords(word, claims.recall(word)))
  }),
)
