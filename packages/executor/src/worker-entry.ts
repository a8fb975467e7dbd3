/**
 * The program of a worker thread, of a worker process, and of a worker process's watch thread. The build makes one
 * file of it that needs no other, because a bundler has to copy it.
 */
import { identity } from './worker/context.ts'
import { connectProcess } from './worker/process-channel.ts'
import { connectThread } from './worker/thread-channel.ts'
import { watchProcess } from './worker/watch.ts'

if (identity !== null) {
  if ('watched' in identity) watchProcess(identity.watched)
  else if ('control' in identity) connectThread(identity)
  else connectProcess(process.argv[1] as string)
}
