import {
  cancelScope,
  createTask,
  Future,
  getEventLoop,
  newEventLoop,
  shielded,
  sleep,
  sleepForever,
  taskGroup,
} from '@tasktree/core'
import { describe, expect } from 'vitest'
import { cancelled, now, withCleanUp } from './support/flows.ts'
import { virtual } from './support/virtual.ts'

describe('a call of a cancelled task that comes back from a foreign promise', () => {
  /** Bodies of a task that is cancelled at 10 ms. `back` resolves at 10 ms, or at the time that stands after the body. */
  const bodies: Record<string, [body: (back: Promise<void>) => Promise<void>, at?: number]> = {
    'the body, which ends': [
      async (back) => {
        void waitAfter(back).catch(() => {})
        await sleepForever()
      },
    ],
    'the body, whose calls all end': [
      async (back) => {
        void waitAfter(back).catch(() => {})
        await nested(8)
      },
    ],
    'another call, and the body ends at once': [
      async (back) => {
        void waitAfter(back).catch(() => {})
        void withCleanUp(20).catch(() => {})
        await sleepForever()
      },
    ],
    'the body, in its clean-up': [
      async (back) => {
        void waitAfter(back).catch(() => {})
        await withCleanUp(20)
      },
      20,
    ],
    'a loser of a race, and the body waits behind a shield': [
      async (back) => {
        await Promise.race([sleep(1), sleepForever()])
        await shielded(() => back, { grace: 9 })
        await sleepForever()
      },
    ],
    'code behind a shield, when the body has ended': [
      async (back) => {
        void waitAfter(back).catch(() => {})
        void shielded(() => sleep(20))
        await sleepForever()
      },
      20,
    ],
    'another call, in its clean-up, when the body has ended': [
      async (back) => {
        void waitAfter(back).catch(() => {})
        void withCleanUp(20).catch(() => {})
        await sleepForever()
      },
      20,
    ],
  }
  /** Returns a promise that is resolved `hops` microtasks after a timer of `ms` milliseconds. */
  function comesBack(ms: number, hops: number): Promise<void> {
    const back = Promise.withResolvers<void>()
    const hop = (left: number): void => {
      if (left === 0) back.resolve()
      else queueMicrotask(() => hop(left - 1))
    }
    getEventLoop().callLater(ms, () => hop(hops))
    return back.promise
  }
  async function waitAfter(promise: Promise<void>): Promise<void> {
    await promise
    await sleepForever()
  }
  async function nested(depth: number): Promise<void> {
    await (depth === 0 ? sleepForever() : nested(depth - 1))
  }

  for (const [who, [body, at = 10]] of Object.entries(bodies)) {
    virtual(`is cancelled at its next wait, in a turn of ${who}`, async () => {
      for (let hops = 0; hops < 25; hops++) {
        const begin = now()
        const back = comesBack(at, hops)
        const task = createTask(() => body(back))
        expect(await cancelled(task)).toMatch(/^CancelledError at [123]0$/)
        expect(now() - begin).toBeLessThan(50)
      }
    })
  }

  virtual('in its own clean-up finishes the clean-up', async () => {
    for (let hops = 0; hops < 25; hops++) {
      const log: string[] = []
      const back = comesBack(10, hops)
      const task = createTask(async () => {
        try {
          await sleepForever()
        } finally {
          await back
          await sleep(5)
          log.push('cleaned up')
        }
      })
      expect(await cancelled(task)).toBe('CancelledError at 15')
      expect(log).toEqual(['cleaned up'])
    }
  })

  virtual('does not end the clean-up of other code of the task', async () => {
    for (let hops = 0; hops < 25; hops++) {
      const back = comesBack(10, hops)
      const log: string[] = []
      const task = createTask(async () => {
        void waitAfter(back).catch(() => {})
        void Promise.all([withCleanUp(10, log, 'first'), withCleanUp(20, log, 'second')]).catch(
          () => {},
        )
        await withCleanUp(4, log, 'body')
      })
      const begin = now()
      expect(await cancelled(task)).toBe('CancelledError at 30')
      const ends = [14, 20, 30].map((ms) => begin + ms)
      expect(log).toEqual([
        `body ends at ${ends[0]}`,
        `first ends at ${ends[1]}`,
        `second ends at ${ends[2]}`,
      ])
    }
  })
})

describe('the clean-up of a cancelled task is not cancelled again', () => {
  virtual('if a turn of another loop resumes it', async () => {
    const other = newEventLoop()
    const log: string[] = []
    const cleaning = async (ms: number, name: string): Promise<void> => {
      try {
        await new Future({ loop: other })
      } finally {
        await sleep(ms)
        log.push(name)
      }
    }
    const task = createTask(() => Promise.all([cleaning(2, 'first'), cleaning(4, 'second')]))
    expect(await cancelled(task)).toBe('CancelledError at 14')
    expect(log).toEqual(['first', 'second'])
  })

  virtual('if it follows a group that has ended in a cancelled scope', async () => {
    const log: string[] = []
    const neighbour = createTask(async () => {
      try {
        await sleepForever()
      } finally {
        for (let i = 0; i < 40; i++) await Promise.resolve()
      }
    })
    const crew = async (): Promise<void> => {
      try {
        await taskGroup(async (group) => {
          const member = group.createTask(() => shielded(() => sleep(10)))
          await sleep(1)
          // The loop resumes the neighbour just after the code that waits for the end of the group.
          member.addDoneCallback(() => void neighbour.cancel())
          await sleepForever()
        })
      } finally {
        await shielded(() => sleep(5))
        log.push('cleaned up')
      }
    }
    await cancelScope(async (scope) => {
      void crew().catch(() => {})
      await sleep(2)
      scope.cancel()
      await sleepForever()
    })
    expect(log).toEqual(['cleaned up'])
    expect(neighbour.cancelled()).toBe(true)
  })
})
