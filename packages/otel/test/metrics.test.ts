import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { Actor, ActorSystem, child, silentLogger } from '@tasktree/actor'
import { createTask, run, sleepForever } from '@tasktree/core'
import { ThreadPoolExecutor } from '@tasktree/executor'
import { instrument } from '@tasktree/otel'
import { expect, test } from 'vitest'
import { subscribedChannels } from './support/recording.ts'

const { promise: begun, resolve: begin } = Promise.withResolvers<void>()

class Clerk extends Actor {
  crash(): never {
    throw new Error('broken')
  }
  async wait(): Promise<void> {
    begin()
    await sleepForever()
  }
}

/** Makes a meter provider whose metrics a test collects by a call. */
function makeMeter(): { provider: MeterProvider; collect: () => Promise<Map<string, string[]>> } {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e8 })
  return {
    provider: new MeterProvider({ readers: [reader] }),
    collect: async () => {
      exporter.reset()
      await reader.forceFlush()
      const metrics = exporter.getMetrics().flatMap((each) => each.scopeMetrics)
      const found = new Map<string, string[]>()
      for (const { descriptor, dataPoints, dataPointType } of metrics.flatMap(
        (each) => each.metrics,
      )) {
        const name = `${descriptor.name} ${descriptor.unit} ${DataPointType[dataPointType]}`
        const points = dataPoints.map(
          ({ attributes, value }) =>
            `${Object.values(attributes).join(' ')} ${JSON.stringify(value)}`,
        )
        found.set(name, points.toSorted())
      }
      return found
    },
  }
}

test(
  'metrics of tasks, queues, mailboxes, restarts and loop delay have the names of OpenTelemetry',
  { tags: ['slow'] },
  async () => {
    const { provider, collect } = makeMeter()
    const instrumentation = instrument({ meterProvider: provider })
    await run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1, name: 'images' })
      const jobs = Array.from({ length: 3 }, () => pool.submit(() => 1))
      const system = await ActorSystem.start({
        name: 'shop',
        logger: silentLogger,
        children: [child.actor('clerk', Clerk)],
      })
      const clerk = system.lookup(Clerk, 'clerk')
      await clerk?.ask.crash().catch(() => {})
      void clerk
        ?.ask({ timeout: Infinity })
        .wait()
        .catch(() => {})
      await begun
      void clerk?.tell.wait()
      void clerk?.tell.wait()
      const parked = Array.from({ length: 5 }, () => createTask(() => sleepForever()))
      const metrics = await collect()
      expect(metrics.get('tasktree.executor.queue.length {job} SUM')).toEqual(['images 3'])
      expect(metrics.get('tasktree.actor.restarts {restart} SUM')).toEqual(['/shop/clerk 1'])
      expect(metrics.get('tasktree.actor.mailbox.length {message} SUM')).toEqual([
        'shop /shop/clerk 2',
      ])
      const tasks = metrics.get('tasktree.task.count {task} SUM') as string[]
      expect(
        tasks.reduce((sum, point) => sum + Number(point.split(' ')[1]), 0),
      ).toBeGreaterThanOrEqual(5)
      expect(tasks.some((point) => point.startsWith('waiting '))).toBe(true)
      await Promise.all(jobs)
      const second = await collect()
      const delays = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']
      for (const name of delays) {
        const [point] = second.get(`nodejs.eventloop.delay.${name} s GAUGE`) as [string]
        expect(Number(point)).toBeGreaterThanOrEqual(0)
        expect(Number(point)).toBeLessThan(100)
      }
      for (const task of parked) task.cancel()
      await system.stop()
    })
    const before = await collect()
    instrumentation[Symbol.dispose]()
    await run(() => createTask(async () => expect(await collect()).toEqual(before)))
    expect(subscribedChannels()).toEqual([])
    await provider.shutdown()
  },
)
