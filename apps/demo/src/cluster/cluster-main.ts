import { runDemo } from '../run-demo.ts'
import { showCluster } from './cluster-demo.ts'

await runDemo(showCluster)
