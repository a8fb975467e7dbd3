/**
 * The program of a worker thread, of a worker process, and of the watch thread of a worker process. The build bundles
 * it into one file without imports, because bundlers of other programs must be able to copy that file.
 */
import { identity } from './worker/context.ts'
import { connectProcess } from './worker/process-channel.ts'
import { connectThread } from './worker/thread-channel.ts'
import { watchProcess } from './worker/watch-thread.ts'

if (identity !== null) {
  if ('watched' in identity) watchProcess(identity.watched)
  else if ('control' in identity) connectThread(identity)
  else connectProcess(process.argv[1] as string)
}
