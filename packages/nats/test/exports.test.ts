import * as nats from '@tasktree/nats'
import * as testing from '@tasktree/nats/testing'
import { expect, test } from 'vitest'

test('the package exports the names that are listed here', () => {
  expect(Object.keys(nats).toSorted()).toMatchInlineSnapshot(`
    [
      "BusTimeout",
      "Cluster",
      "ClusterClosed",
      "ConnectFailed",
      "ConnectionLost",
      "ConsumerStalled",
      "Fenced",
      "LeaseLost",
      "NoJetStream",
      "NodeLost",
      "PayloadTooLarge",
      "PoisonedJob",
      "QueueFull",
      "RemoteExecutor",
      "RemoteJob",
      "RemoteRef",
      "ResultTooLarge",
      "SettingsDiffer",
      "UnknownJob",
      "cloneCodec",
      "cluster",
      "clusterTree",
      "connect",
      "jsonCodec",
      "remoteJobs",
      "traceparent",
    ]
  `)
  expect(Object.keys(testing).toSorted()).toMatchInlineSnapshot(`
    [
      "MemoryBus",
      "MemoryServer",
    ]
  `)
})
