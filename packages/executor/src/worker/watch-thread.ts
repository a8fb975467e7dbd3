import { Socket } from 'node:net'
import { JobClaims } from '../transport/claims.ts'
import { lifePipe } from '../transport/frames.ts'
import { encodeWords, readWords } from '../transport/watch-words.ts'

/**
 * The program of the watch thread of a worker process, which runs even while a job's code blocks. The thread takes back
 * jobs that have not started, marks cancelled jobs, and kills the process when the pool's process has ended.
 */
export function watchProcess(memory: Int32Array): void {
  const claims = new JobClaims(memory)
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
}
