import * as executor from '@tasktree/executor'
import { expect, test } from 'vitest'

test('the package exports the names that are listed here', () => {
  expect(Object.keys(executor).toSorted()).toMatchInlineSnapshot(`
    [
      "BrokenExecutor",
      "ExecutorQueueFull",
      "JobFuture",
      "JobRef",
      "JobSerializationError",
      "ProcessPoolExecutor",
      "ThreadPoolExecutor",
      "WorkerCrashedError",
      "jobs",
      "reportProgress",
      "runInExecutor",
      "toThread",
      "traceparent",
      "transfer",
      "workerId",
      "workerSignal",
    ]
  `)
})
