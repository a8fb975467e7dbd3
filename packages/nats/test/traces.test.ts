/** Tests that the code that does the work of an ask, a tell or a job has the trace context of the sender. */
import { Actor, type ActorRef } from '@tasktree/actor'
import { createTask, sleep } from '@tasktree/core'
import { type Cluster, remoteJobs, type StateCodec, traceparent } from '@tasktree/nats'
import { expect, test } from 'vitest'
import { withReceivers } from './support/nodes-in-memory.ts'

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

type Seen = (string | null)[]

/** Returns the trace context now, after an await, and in a new task. */
async function look(): Promise<Seen> {
  const before = traceparent.get()
  await sleep(1)
  return [before, traceparent.get(), await createTask(async () => traceparent.get())]
}

class Tracer extends Actor {
  told: Seen = []
  look(): Promise<Seen> {
    return look()
  }
  note(): void {
    this.told.push(traceparent.get())
  }
  notes(): Seen {
    return this.told
  }
}

const home = { look, each: (_item: number): string | null => traceparent.get() }
const far = remoteJobs<typeof home>('home')

const state: StateCodec<Tracer, Seen> = {
  save: ({ told }) => told,
  load: (tracer, told) => {
    tracer.told = told
  },
}

const receiving = { actor: Tracer, state, home }

/** Runs `body` in a task whose trace context is `trace`. */
const traced = (body: () => Promise<void>): Promise<void> =>
  Promise.resolve(
    createTask(async () => {
      traceparent.set(trace)
      await body()
    }),
  )

const receivers: [string, (sender: Cluster) => ActorRef<Tracer>][] = [
  ['the actor of a service', (sender) => sender.lookup<Tracer>('actor')],
  ['an entity', (sender) => sender.ref<Tracer>('plain', 'a')],
  ['a durable entity', (sender) => sender.ref<Tracer>('durable', 'a')],
]

test.each(receivers)('the handler of %s has the trace context of the sender', async (_, find) => {
  await withReceivers(receiving, async (sender) => {
    const tracer = find(sender)
    await traced(async () => {
      expect(await tracer.ask.look()).toEqual([trace, trace, trace])
      await tracer.tell({ confirm: true }).note()
    })
    expect(await tracer.ask.look()).toEqual([null, null, null])
    await tracer.tell({ confirm: true }).note()
    expect(await tracer.ask.notes()).toEqual([trace, null])
  })
})

test('a job has the trace context of the task that submitted it, in chunks of map too', async () => {
  await withReceivers(receiving, async (sender) => {
    const executor = sender.executor('q')
    await traced(async () => {
      expect(await executor.submit(far.look)).toEqual([trace, trace, trace])
      const seen: unknown[] = []
      for await (const each of executor.map(far.each, [1, 2, 3], { chunksize: 2 })) seen.push(each)
      expect(seen).toEqual([trace, trace, trace])
    })
    expect(await executor.submit(far.look)).toEqual([null, null, null])
  })
})
