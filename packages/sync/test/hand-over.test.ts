import { createTask, type Future, getEventLoop, sleep, taskGroup, wait } from '@tasktree/core'
import {
  Broadcast,
  CapacityLimiter,
  Channel,
  Lock,
  Queue,
  RateLimiter,
  RWLock,
  Semaphore,
} from '@tasktree/sync'
import { describe, expect } from 'vitest'
import { virtual } from './support/virtual.ts'

// When a call hands a lock or an item over, other code may learn of its end too: a listener of a signal, a callback, or another
// branch of a `Promise.all`. Even then, a cancel in any turn around the hand-over must lose nothing.

type Options = { signal?: AbortSignal }

/** A call that waits, a function that lets it go on, and a function that says whether the call has taken nothing. */
interface Wait {
  readonly begin: (options?: Options) => Future<unknown>
  readonly grant: () => void
  readonly left: () => boolean
}

const waits: Record<string, () => Wait> = {
  'Lock.acquire': () => {
    const lock = new Lock()
    lock.acquireNowait()
    return {
      begin: (o) => lock.acquire(o),
      grant: () => lock.release(),
      left: () => !lock.locked(),
    }
  },
  'Semaphore.acquire': () => {
    const semaphore = new Semaphore(0)
    return {
      begin: (o) => semaphore.acquire(o),
      grant: () => semaphore.release(),
      left: () => !semaphore.locked(),
    }
  },
  'RWLock.write': () => {
    const lock = new RWLock()
    const held = lock.read()
    return {
      begin: (o) => lock.write(o),
      grant: () => held.result().release(),
      left: () => lock.statistics().writers === 0,
    }
  },
  'CapacityLimiter.acquire': () => {
    const limiter = new CapacityLimiter(4)
    const held = limiter.acquireNowait(3)
    return {
      begin: (o) => limiter.acquire(2, o),
      grant: () => held.release(),
      left: () => limiter.available === 4,
    }
  },
  'RateLimiter.acquire': () => {
    const limiter = new RateLimiter({ limit: 1, interval: 1_000, burst: 2 })
    limiter.acquireNowait()
    const first = limiter.acquire(2)
    return {
      begin: (o) => limiter.acquire(1, o),
      grant: () => void first.cancel(),
      left: () => limiter.statistics().available >= 1,
    }
  },
  'Queue.get': () => {
    const queue = new Queue<number>()
    return {
      begin: (o) => queue.get(o),
      grant: () => queue.putNowait(1),
      left: () => queue.qsize() === 1,
    }
  },
  'Queue.put': () => {
    const queue = new Queue<number>({ maxsize: 1 })
    queue.putNowait(1)
    return {
      begin: (o) => queue.put(2, o),
      grant: () => void queue.getNowait(),
      left: () => queue.qsize() === 0,
    }
  },
  'Channel.receive': () => {
    const channel = new Channel<number>({ capacity: 1 })
    return {
      begin: (o) => channel.receive(o),
      grant: () => channel.sendNowait(1),
      left: () => channel.statistics().size === 1,
    }
  },
  'Channel.send': () => {
    const channel = new Channel<number>({ capacity: 1 })
    channel.sendNowait(1)
    return {
      begin: (o) => channel.send(2, o),
      grant: () => void channel.receiveNowait(),
      left: () => channel.statistics().size === 0,
    }
  },
  'Broadcast.publish': () => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
    const subscription = news.subscribe()
    void news.publish(1)
    return {
      begin: (o) => news.publish(2, o),
      grant: () => void subscription.get(),
      left: () => subscription.qsize() === 0,
    }
  },
}

const { signal } = new AbortController()

/** Each way waits for the call, and calls `got` when the call has given its result to code of the task. */
const ways: Record<string, (begin: Wait['begin'], got: () => void) => Promise<unknown>> = {
  'an await': async (begin, got) => {
    await begin()
    got()
  },
  'an await and a signal': async (begin, got) => {
    await begin({ signal })
    got()
  },
  'a callback and an await': async (begin, got) => {
    const waiting = begin()
    waiting.addDoneCallback(() => {})
    await waiting
    got()
  },
  'two branches': (begin, got) => {
    const waiting = begin()
    const branch = async (): Promise<void> => {
      await waiting
      got()
    }
    return Promise.all([branch(), branch()])
  },
}

async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await sleep(0)
}

describe.each(Object.entries(waits))('%s', (_name, make) => {
  for (const [how, begin] of Object.entries(ways)) {
    virtual(
      `with ${how} loses nothing if it is cancelled 0 to 4 turns after it is let in`,
      async () => {
        for (let n = 0; n < 5; n++) {
          const waiting = make()
          let got = false
          const task = createTask(() => begin(waiting.begin, () => (got = true)))
          await turns(3)
          waiting.grant()
          await turns(n)
          task.cancel()
          await wait([task])
          await turns(3)
          expect(got || waiting.left(), `a cancel ${n} turns after the grant`).toBe(true)
        }
      },
    )

    virtual(
      `with ${how} loses nothing if it is cancelled in the round in which it is let in`,
      async () => {
        const waiting = make()
        let got = false
        const task = createTask(() => begin(waiting.begin, () => (got = true)))
        await turns(3)
        waiting.grant()
        getEventLoop().callSoon(() => task.cancel())
        await wait([task])
        await turns(3)
        expect(got || waiting.left()).toBe(true)
      },
    )

    virtual(
      `with ${how} loses nothing if a cancel that another branch has caught ends it later`,
      async () => {
        const waiting = make()
        let got = false
        const task = createTask(() =>
          Promise.allSettled([
            taskGroup(async (group) => {
              group.createTask(async () => {
                await sleep(100).catch(() => {})
                await sleep(5)
                throw new Error('the clean-up has failed')
              })
            }),
            (async () => {
              await new Promise<void>((resolve) => void getEventLoop().callLater(2, resolve))
              await begin(waiting.begin, () => (got = true))
            })(),
          ]),
        )
        await sleep(1)
        task.cancel()
        await sleep(6)
        waiting.grant()
        await wait([task])
        await turns(3)
        expect(got || waiting.left()).toBe(true)
      },
    )
  }
})
