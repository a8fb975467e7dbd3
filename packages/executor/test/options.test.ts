import { jobs, ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
import { refusesWrongOptions } from '../../core/test/support/wrong-options.ts'

const pool = {
  maxWorkers: 'count',
  minWorkers: 'count',
  idleTimeout: 'duration',
  maxQueue: 'count',
  maxTasksPerWorker: 'count',
  cancelGrace: 'duration',
  exitGrace: 'duration',
  initializer: 'other',
  initargs: 'list',
  name: 'text',
  resourceLimits: 'record',
  env: 'record',
  workerEntry: 'list',
} as const

refusesWrongOptions({
  ThreadPoolExecutor: [(o) => new ThreadPoolExecutor(o), pool],
  ProcessPoolExecutor: [(o) => new ProcessPoolExecutor(o), { ...pool, execArgv: 'list' }],
  'Executor.map': [
    (o) => new ThreadPoolExecutor().map((n: number) => n, [], o),
    { ordered: 'flag', buffer: 'count', chunksize: 'count', timeout: 'duration' },
  ],
  'Executor.shutdown': [
    (o) => new ThreadPoolExecutor().shutdown(o),
    { wait: 'flag', cancelFutures: 'flag' },
  ],
  jobs: [(o) => jobs(import.meta.url, o), { id: 'text', version: 'text' }],
})
