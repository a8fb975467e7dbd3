import { KeyboardInterrupt, run } from '@tasktree/core'
import { showCluster } from './cluster-demo.ts'

try {
  process.exitCode = await run(showCluster)
} catch (error) {
  if (!(error instanceof KeyboardInterrupt)) throw error
  process.exitCode = 130
}
