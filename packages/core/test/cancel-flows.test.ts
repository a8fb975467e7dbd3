import {
  cancelScope,
  createTask,
  currentTask,
  ensureFuture,
  Future,
  gather,
  isCancelled,
  moveOnAfter,
  shielded,
  sleep,
  sleepForever,
  taskGroup,
  taskSignal,
  timeout,
  TimeoutError,
  wait,
} from '@tasktree/core'
import { Claim } from '@tasktree/core/lowlevel'
import { describe, expect, test, vi } from 'vitest'
import { ScopeFrame } from '../src/tasks/scope-frame.ts'
import { cancelled, now, withCleanUp } from './support/flows.ts'
import { foreign, virtual } from './support/virtual.ts'

const nameOf = (error: unknown): string => (error as Error).name

describe('a cancel that comes during the await of a foreign promise', () => {
  const both: Record<string, [body: () => PromiseLike<unknown>, end: string]> = {
    'Promise.all of futures': [
      () => Promise.all([sleepForever(), sleepForever()]),
      'CancelledError',
    ],
    'Promise.all of async calls': [
      () => Promise.all([withCleanUp(0), withCleanUp(0), new Future<void>()]),
      'CancelledError',
    ],
    'Promise.all, of which one branch begins its wait some microtasks later': [
      () => Promise.all([sleepForever(), later()]),
      'CancelledError',
    ],
    'Promise.all of scopes': [
      () => Promise.all([timeout(1_000, sleepForever), moveOnAfter(1_000, sleepForever)]),
      'CancelledError',
    ],
    'Promise.all of groups': [
      () => Promise.all([groupOfOne(), groupOfOne(), sleepForever()]),
      'CancelledError',
    ],
    'Promise.all of promises that ensureFuture has wrapped': [
      () => Promise.all([ensureFuture(foreign(900)), ensureFuture(foreign(900))]),
      'CancelledError',
    ],
    'Promise.all of waits that cannot be ended': [
      () => Promise.all([sleep(0), loop(0), loop(0)]),
      'CancelledError',
    ],
    'Promise.race': [() => Promise.race([sleepForever(), sleepForever()]), 'CancelledError'],
    'Promise.any': [() => Promise.any([sleepForever(), sleepForever()]), 'AggregateError'],
    'Promise.allSettled': [() => Promise.allSettled([sleepForever(), later()]), 'value'],
    gather: [() => gather([sleepForever(), sleepForever()]), 'CancelledError'],
  }
  async function later(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve()
    await sleepForever()
  }
  async function groupOfOne(): Promise<void> {
    await taskGroup(async (group) => {
      group.createTask(() => sleepForever())
    })
  }
  async function loop(ms: number): Promise<never> {
    for (;;) await sleep(ms)
  }

  for (const [name, [body, end]] of Object.entries(both)) {
    virtual(`ends all waits that the task then begins together: ${name}`, async () => {
      const task = createTask(async () => {
        await foreign(20)
        await body()
      })
      expect(await cancelled(task)).toBe(`${end} at 20`)
    })

    virtual(`ends all waits that a generator task then begins together: ${name}`, async () => {
      const task = createTask(function* () {
        yield foreign(20) as never
        yield body() as never
      })
      expect(await cancelled(task)).toBe(`${end} at 20`)
    })

    virtual(
      `ends all waits that the task then begins together, if a timeout cancels: ${name}`,
      async () => {
        const body10 = async (): Promise<void> => {
          await foreign(20)
          await body()
        }
        const ended = createTask(() => timeout(10, body10))
        await wait([ended], { timeout: 500 })
        const error = end === 'value' ? null : ended.exception()
        if (end === 'CancelledError') expect(error).toBeInstanceOf(TimeoutError)
        else expect(ended.done()).toBe(true)
        expect(now()).toBe(20)
      },
    )
  }

  virtual('ends the waits of calls that the task then begins without awaiting them', async () => {
    const log: string[] = []
    const floating = async (): Promise<void> => {
      await sleepForever().catch((error: unknown) => log.push(`${nameOf(error)} at ${now()}`))
    }
    const task = createTask(async () => {
      await foreign(20)
      void floating()
      void floating()
      await withCleanUp(10)
    })
    expect(await cancelled(task)).toBe('CancelledError at 30')
    expect(log).toEqual(['CancelledError at 20', 'CancelledError at 20'])
  })

  virtual('lets each branch of a Promise.all finish its clean-up', async () => {
    const log: string[] = []
    const task = createTask(async () => {
      await foreign(20)
      await Promise.all([withCleanUp(10, log), withCleanUp(20, log), sleepForever()])
    })
    expect(await cancelled(task)).toBe('CancelledError at 40')
    expect(log).toEqual(['clean-up ends at 30', 'clean-up ends at 40'])
  })

  virtual('is not thrown again after the task has caught it and called uncancel()', async () => {
    const task = createTask(async () => {
      await foreign(20)
      try {
        await Promise.all([sleepForever(), sleepForever()])
      } catch {
        currentTask()?.uncancel()
      }
      await Promise.all([sleep(5), sleep(6)])
      await foreign(5)
      await Promise.all([sleep(5), sleep(6)])
    })
    expect(await cancelled(task)).toBe('value at 37')
  })

  virtual('ends all waits of a Promise.all if the task has cancelled itself', async () => {
    const task = createTask(async () => {
      currentTask()?.cancel()
      await Promise.all([sleepForever(), sleepForever()])
    })
    await wait([task], { timeout: 500 })
    expect(task.cancelled()).toBe(true)
  })
})

describe('when the body of a cancelled task has ended', () => {
  virtual(
    'a branch of its Promise.all that returns from a foreign promise is cancelled at its next wait',
    async () => {
      const task = createTask(async () => {
        await Promise.all([
          withCleanUp(50),
          (async () => {
            await foreign(30)
            await sleepForever()
          })(),
        ])
      })
      expect(await cancelled(task)).toBe('CancelledError at 60')
    },
  )

  virtual('a branch of its Promise.all that sleeps in a loop is cancelled', async () => {
    let last = 0
    const task = createTask(async () => {
      await Promise.all([
        withCleanUp(50),
        (async () => {
          await foreign(30)
          for (;;) {
            await sleep(7)
            last = now()
          }
        })(),
      ])
    })
    expect(await cancelled(task)).toBe('CancelledError at 60')
    expect(last).toBe(58)
  })

  virtual('a branch that is cancelled late can still clean up', async () => {
    const log: string[] = []
    const task = createTask(async () => {
      await Promise.all([
        withCleanUp(50),
        (async () => {
          await foreign(30)
          await withCleanUp(20, log)
        })(),
      ])
    })
    expect(await cancelled(task)).toBe('CancelledError at 80')
    expect(log).toEqual(['clean-up ends at 80'])
  })

  virtual(
    'a branch in its clean-up is not cancelled again, even in a wait that begins late',
    async () => {
      const log: string[] = []
      const late = async (): Promise<void> => {
        for (let i = 0; i < 20; i++) await Promise.resolve()
        await sleep(30).catch(() => log.push('cancelled'))
        log.push(`late wait ends at ${now()}`)
      }
      const task = createTask(async () => {
        await Promise.all([
          (async () => {
            try {
              await sleepForever()
            } finally {
              await Promise.all([sleep(20), late()])
            }
          })(),
          sleepForever(),
        ])
      })
      expect(await cancelled(task)).toBe('CancelledError at 40')
      expect(log).toEqual(['late wait ends at 40'])
    },
  )

  virtual(
    'branches that sleep in a loop with the same period end if the cancel comes as their timers fire',
    async () => {
      const loop = async (): Promise<never> => {
        for (;;) await sleep(10)
      }
      const task = createTask(() => Promise.all([loop(), loop(), loop()]))
      expect(await cancelled(task)).toBe('CancelledError at 10')
    },
  )

  virtual('a timeout or moveOnAfter in a late branch throws the CancelledError on', async () => {
    for (const scope of [timeout, moveOnAfter]) {
      let thrown: unknown
      const task = createTask(async () => {
        await Promise.all([
          withCleanUp(50),
          (async () => {
            await foreign(30)
            await scope(1_000, () => sleepForever()).catch((error: unknown) => {
              thrown = error
            })
          })(),
        ])
      })
      expect(await cancelled(task)).toBe('CancelledError at 60')
      expect(isCancelled(thrown)).toBe(true)
    }
  })

  virtual(
    'a late branch inside a timeout ends, and the timeout throws a TimeoutError',
    async () => {
      const ended = timeout(10, async () => {
        await Promise.all([
          withCleanUp(50),
          (async () => {
            await foreign(30)
            await sleepForever()
          })(),
        ])
      })
      expect(await ended.catch((error: unknown) => error)).toBeInstanceOf(TimeoutError)
      expect(now()).toBe(60)
    },
  )

  virtual('the calls that the body of a failed group has left running are cancelled', async () => {
    const body = async (): Promise<void> => {
      await taskGroup(async (group) => {
        void (async () => {
          await foreign(20)
          await sleepForever()
        })().catch(() => {})
        group.createTask(() => withCleanUp(50))
        await sleep(1)
        throw new Error('the body')
      })
    }
    const task = createTask(body)
    await wait([task], { timeout: 500 })
    expect(task.done() && nameOf(task.exception())).toBe('ExceptionGroup')
    expect(now()).toBe(51)
  })

  virtual('a task of a group is cancelled only once, although the group ends later', async () => {
    const log: string[] = []
    const task = createTask(async () => {
      await Promise.race([
        taskGroup(async (group) => {
          group.createTask(() => withCleanUp(100, log))
          await withCleanUp(50)
        }),
        sleepForever(),
      ])
    })
    expect(await cancelled(task)).toBe('CancelledError at 110')
    expect(log).toEqual(['clean-up ends at 110'])
  })
})

describe('a cancel that has ended one branch of a task', () => {
  virtual('also ends a wait that another branch begins later', async () => {
    const child = createTask(() => withCleanUp(50))
    const task = createTask(async () => {
      await Promise.allSettled([
        child,
        (async () => {
          await foreign(30)
          await sleepForever()
        })(),
      ])
    })
    expect(await cancelled(task)).toBe('value at 60')
  })

  virtual(
    'also ends the next wait of the body if the branch was a call that the body did not await',
    async () => {
      const ready = async (): Promise<void> => {}
      const call = async (): Promise<void> => {
        try {
          await sleepForever()
        } finally {
          await ready()
        }
      }
      const task = createTask(async () => {
        void call().catch(() => {})
        await foreign(20)
        await sleepForever()
      })
      expect(await cancelled(task)).toBe('CancelledError at 20')
    },
  )

  virtual(
    'does not end the clean-up of another branch when the cancel is requested again',
    async () => {
      const log: string[] = []
      const task = createTask(async () => {
        await Promise.allSettled([
          withCleanUp(40, log),
          (async () => {
            await sleep(5)
            currentTask()?.cancel()
            await foreign(10)
            await sleepForever()
          })(),
        ])
      })
      await wait([task], { timeout: 500 })
      expect(task.done()).toBe(true)
      expect(log).toEqual(['clean-up ends at 45'])
      expect(now()).toBe(45)
    },
  )
})

describe('code that gets the CancelledError from the task signal', () => {
  const rejected = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  const learners: Record<string, () => Promise<unknown>> = {
    'a listener rejects a promise': () => rejected(taskSignal()),
    'a call in other calls rejects': async () => {
      const call = async (depth: number): Promise<unknown> =>
        depth > 0 ? await call(depth - 1) : await rejected(taskSignal())
      return call(20)
    },
    'a loop reads `aborted`': async () => {
      const signal = taskSignal()
      for (;;) {
        await foreign(1)
        signal.throwIfAborted()
      }
    },
    'the signal is made after the cancel': async () => {
      await foreign(12)
      taskSignal().throwIfAborted()
    },
  }

  const branchOf = (name: string, log: string[]) => async (): Promise<void> => {
    try {
      await learners[name]?.()
    } finally {
      await sleep(30).catch(() => log.push('the clean-up was cancelled'))
      log.push('clean-up ends')
    }
  }

  for (const name of Object.keys(learners)) {
    const branch = (log: string[]): (() => Promise<void>) => branchOf(name, log)

    virtual(`can wait in its clean-up without being cancelled again: ${name}`, async () => {
      const log: string[] = []
      expect(await cancelled(createTask(branch(log)))).toMatch(/^CancelledError at 4[0-2]$/)
      expect(log).toEqual(['clean-up ends'])
    })
  }

  virtual(
    'can wait in its clean-up although the cancel has ended another branch of the Promise.all',
    async () => {
      for (const name of ['a listener rejects a promise', 'a call in other calls rejects']) {
        for (const other of [sleepForever, () => withCleanUp(20)]) {
          const log: string[] = []
          const task = createTask(() => Promise.all([branchOf(name, log)(), other()]))
          expect(await cancelled(task)).toBe('CancelledError at 40')
          expect(log).toEqual(['clean-up ends'])
        }
      }
    },
  )
})

virtual(
  'a branch that throws the reason of the task signal does not keep the cancel from the other branch',
  async () => {
    const task = createTask(async () => {
      await foreign(20)
      await Promise.all([
        (async () => {
          taskSignal().throwIfAborted()
        })(),
        sleepForever(),
      ])
    })
    expect(await cancelled(task)).toBe('CancelledError at 20')
  },
)

describe('a Claim that was woken before the cancel of its task', () => {
  class Token extends Claim<string> {
    static readonly taken: string[] = []
    protected override claim(): void {
      Token.taken.push('taken')
      this.setResult('token')
    }

    protected override decline(): void {
      Token.taken.push('declined')
    }
  }

  virtual('declines its token, in every branch of a Promise.all', async () => {
    Token.taken.length = 0
    const tokens = [new Token(), new Token()]
    const task = createTask(() => Promise.all(tokens))
    await sleep(10)
    for (const token of tokens) token.wake()
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
    expect(Token.taken).toEqual(['declined', 'declined'])
  })

  virtual('declines its token, although the cancel has ended another wait', async () => {
    Token.taken.length = 0
    const token = new Token()
    const task = createTask(() => Promise.all([sleepForever(), token]))
    await sleep(10)
    token.wake()
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
    expect(Token.taken).toEqual(['declined'])
  })

  const waiters: Record<string, (token: Token) => void> = {
    'one wait': () => {},
    'one wait and a callback': (token) => token.addDoneCallback(() => {}),
  }
  for (const [what, add] of Object.entries(waiters)) {
    virtual(`declines its token if its wait gets the cancel later: ${what}`, async () => {
      Token.taken.length = 0
      const token = new Token()
      const task = createTask(() => Promise.all([sleepForever(), token]))
      await sleep(10)
      token.wake()
      task.cancel()
      add(token)
      expect(token.willDecline()).toBe(true)
      await wait([task])
      expect(task.cancelled()).toBe(true)
      expect(Token.taken).toEqual(['declined'])
    })

    virtual(`takes its token in a clean-up, which the cancel does not end: ${what}`, async () => {
      Token.taken.length = 0
      const token = new Token()
      const task = createTask(async () => {
        const branch = cleanUpWith(token)
        await foreign(5)
        currentTask()?.cancel()
        await foreign(20)
        await Promise.all([branch, sleepForever()])
      })
      await sleep(10)
      token.wake()
      add(token)
      expect(token.willDecline()).toBe(false)
      await wait([task])
      expect(task.cancelled()).toBe(true)
      expect(Token.taken).toEqual(['taken'])
    })
  }
  async function cleanUpWith(token: Token): Promise<void> {
    try {
      await sleepForever()
    } finally {
      expect(await token).toBe('token')
    }
  }

  virtual('takes its token if uncancel() has taken the cancel back', async () => {
    Token.taken.length = 0
    const tokens = [new Token(), new Token()]
    const task = createTask(() => Promise.all(tokens))
    await sleep(10)
    for (const token of tokens) token.wake()
    task.cancel()
    task.uncancel()
    expect(await task).toEqual(['token', 'token'])
  })
})

describe('a shield in one branch of a cancelled task', () => {
  virtual('is cancelled when its grace is over', async () => {
    const task = createTask(async () => {
      void shielded(() => sleepForever(), { grace: 10 }).catch(() => {})
      await sleepForever()
    })
    expect(await cancelled(task)).toBe('CancelledError at 20')
  })

  virtual(
    'lets the cancel in at its next wait if the grace ends during a foreign promise',
    async () => {
      const task = createTask(async () => {
        const shield = shielded(
          async () => {
            await foreign(40)
            await sleepForever()
          },
          { grace: 10 },
        )
        await Promise.all([shield.catch(() => {}), withCleanUp(60)])
      })
      expect(await cancelled(task)).toBe('CancelledError at 70')
    },
  )

  virtual('passes the cancel to the first wait after the shield', async () => {
    const log: string[] = []
    const branch = async (): Promise<void> => {
      await shielded(() => sleep(30))
      try {
        await sleepForever()
      } catch (error) {
        log.push(`${nameOf(error)} at ${now()}`)
        await sleep(5)
        log.push(`clean-up ends at ${now()}`)
      }
    }
    const ended = createTask(() => Promise.all([sleepForever(), branch()]))
    expect(await cancelled(ended)).toBe('CancelledError at 35')
    expect(log).toEqual(['CancelledError at 30', 'clean-up ends at 35'])
    log.length = 0
    const begin = now()
    const settled = createTask(() => Promise.allSettled([withCleanUp(50), branch()]))
    expect(await cancelled(settled)).toBe('value at 60')
    expect(log).toEqual([`CancelledError at ${begin + 30}`, `clean-up ends at ${begin + 35}`])
  })

  virtual(
    'passes the cancel to the wait after the shield even if another branch has got the cancel meanwhile',
    async () => {
      const log: string[] = []
      const task = createTask(async () => {
        await Promise.allSettled([
          foreign(20).then(() => withCleanUp(50)),
          (async () => {
            await shielded(() => sleep(40))
            await sleepForever().catch((error: unknown) => log.push(`${nameOf(error)} at ${now()}`))
          })(),
        ])
      })
      expect(await cancelled(task)).toBe('value at 70')
      expect(log).toEqual(['CancelledError at 40'])
    },
  )

  virtual('protects the tasks of a group inside the shield', async () => {
    const log: string[] = []
    const task = createTask(async () => {
      void shielded(() =>
        taskGroup(async (group) => {
          group.createTask(async () => {
            await sleep(30)
            log.push('the task has ended')
          })
        }),
      )
      await sleepForever()
    })
    expect(await cancelled(task)).toBe('CancelledError at 30')
    expect(log).toEqual(['the task has ended'])
  })

  virtual('does not let the tasks of a group around it be cancelled twice', async () => {
    const log: string[] = []
    const task = createTask(async () => {
      await taskGroup(async (group) => {
        group.createTask(() => withCleanUp(100, log))
        await shielded(() => sleep(40))
        await sleepForever()
      })
    })
    expect(await cancelled(task)).toBe('CancelledError at 110')
    expect(log).toEqual(['clean-up ends at 110'])
  })

  const shields = {
    shielded: (body: () => Promise<void>) => shielded(body),
    'a shielded scope': async (body: () => Promise<void>) => {
      await cancelScope(body, { shield: true })
    },
  }
  for (const [name, shield] of Object.entries(shields)) {
    virtual(`no longer protects calls that ${name} has left behind`, async () => {
      const leave = async (): Promise<void> => {
        void sleepForever().catch(() => {})
        void withCleanUp(0).catch(() => {})
      }
      const before = createTask(async () => {
        await shield(leave)
        await sleepForever()
      })
      expect(await cancelled(before)).toBe('CancelledError at 10')
      const level = createTask(() => moveOnAfter(10, () => shield(leave)))
      await wait([level], { timeout: 500 })
      expect(level.done()).toBe(true)
    })
  }
})

virtual(
  'a cancel of a task in 200 nested timeouts checks each scope only a few times',
  async () => {
    const looks = vi.spyOn(ScopeFrame.prototype, 'isShielded', 'get')
    const nest = async (depth: number): Promise<unknown> => {
      await Promise.resolve()
      return depth === 0 ? sleepForever() : timeout(1_000, () => nest(depth - 1))
    }
    const looksFor = async (depth: number): Promise<number> => {
      const task = createTask(() => nest(depth))
      await sleep(1)
      looks.mockClear()
      task.cancel()
      const count = looks.mock.calls.length
      await wait([task])
      return count
    }
    expect(await looksFor(200)).toBeLessThan((await looksFor(100)) * 2.2)
  },
)

test('in real time, a cancel during a foreign promise ends all waits of the Promise.all that follows', async () => {
  const native = (ms: number): Promise<void> =>
    new Promise((resolve) => void setTimeout(resolve, ms))
  const task = createTask(async () => {
    await native(20)
    await Promise.all([sleepForever(), sleepForever(), native(1).then(() => sleepForever())])
  })
  await sleep(5)
  task.cancel()
  await wait([task], { timeout: 5_000 })
  expect(task.cancelled()).toBe(true)
})
