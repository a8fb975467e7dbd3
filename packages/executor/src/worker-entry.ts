/** What a worker thread or process runs. */
import { connectProcess } from './worker/process-channel.ts'
import { connectThread } from './worker/thread-channel.ts'
import { identity } from './worker/context.ts'

if (identity?.shared === null) connectProcess()
else if (identity !== null) connectThread(identity.shared)
