import {
  CancelledError,
  type CancelScope,
  cancelScope,
  checkpoint,
  createTask,
  currentScope,
  currentTask,
  effectiveDeadline,
  ExceptionGroup,
  failAfter,
  Future,
  getEventLoop,
  isCancelled,
  moveOnAfter,
  shield,
  shielded,
  sleep,
  sleepForever,
  type Task,
  taskGroup,
  taskSignal,
  timeout,
  TimeoutError,
  wait,
} from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { foreign, virtual } from './support/virtual.ts'

const nameOf = (error: unknown): string => (error as Error).name

describe('cancelScope', () => {
  virtual('gives the value of a body that ends without a cancel', async () => {
    expect(await cancelScope(async () => 1)).toEqual({ cancelled: false, value: 1 })
  })

  virtual('gives the reason when its own cancel has ended the body', async () => {
    let scope!: CancelScope
    const result = await cancelScope(async (own) => {
      scope = own
      getEventLoop().callLater(5, () => own.cancel('enough'))
      await sleep(100)
    })
    expect(result).toEqual({ cancelled: true, reason: 'enough' })
    expect([scope.cancelCalled, scope.cancelledCaught, scope.reason]).toEqual([
      true,
      true,
      'enough',
    ])
  })

  virtual(
    'throws at every wait inside after its cancel, however often the body swallows the error',
    async () => {
      let struck = 0
      const result = await cancelScope(
        async () => {
          for (let i = 0; i < 100; i++) {
            try {
              await sleep(1_000)
            } catch {
              struck++
            }
          }
          return 'ended in spite of it'
        },
        { timeout: 5 },
      )
      expect([struck, getEventLoop().time()]).toEqual([100, 5])
      expect(result).toEqual({ cancelled: false, value: 'ended in spite of it' })
    },
  )

  virtual('does not throw at an await of a future that is done', async () => {
    const result = await cancelScope(async (scope) => {
      scope.cancel()
      const done = new Future<number>()
      done.setResult(1)
      return await done
    })
    expect(result).toEqual({ cancelled: false, value: 1 })
  })

  virtual('throws at a wait for a task without cancelling the task', async () => {
    const task = createTask(async () => {
      await sleep(20)
      return 'lived'
    })
    await cancelScope(async (scope) => {
      scope.cancel()
      await task
    })
    expect(await task).toBe('lived')
  })

  virtual('ends a loop that only awaits checkpoint()', async () => {
    let turns = 0
    const result = await cancelScope(
      async () => {
        for (;;) {
          turns++
          await checkpoint()
        }
      },
      { timeout: 0 },
    )
    expect(result.cancelled).toBe(true)
    expect(turns).toBeLessThan(5)
  })

  virtual('cancels the tasks of a group inside it, but no task made by createTask', async () => {
    const log: string[] = []
    const work = (name: string) => async (): Promise<void> => {
      try {
        await sleep(50)
        log.push(`${name} ended`)
      } catch (error) {
        log.push(`${name} ${nameOf(error)}`)
        throw error
      }
    }
    const plain: { task?: Task<void> } = {}
    const result = await moveOnAfter(5, () =>
      taskGroup(async (group) => {
        group.createTask(work('group task'))
        plain.task = createTask(work('plain task'))
        await sleepForever()
      }),
    )
    expect(result.cancelled).toBe(true)
    await plain.task
    expect(log).toEqual(['group task CancelledError', 'plain task ended'])
  })

  virtual(
    'moveOnAfter passes the timeout of an outer moveOnAfter on, and only the outer ends by it',
    async () => {
      const log: unknown[] = []
      const outer = await moveOnAfter(5, async () => {
        log.push(await moveOnAfter(50, () => sleepForever()).catch(nameOf))
        await sleep(1)
      })
      expect([outer.cancelled, log]).toEqual([true, ['CancelledError']])
    },
  )

  virtual(
    'the outer of two nested scopes gets the CancelledError if both are cancelled',
    async () => {
      let inner: CancelScope | null = null
      const outer = await cancelScope(async (scope) => {
        await cancelScope(async (own) => {
          inner = own
          own.cancel('inner')
          scope.cancel('outer')
          await sleep(1)
        })
      })
      expect(outer).toEqual({ cancelled: true, reason: 'outer' })
      expect((inner as CancelScope | null)?.cancelledCaught).toBe(false)
    },
  )

  virtual('passes the CancelledError of task.cancel() on', async () => {
    const task = createTask(() => cancelScope(() => sleepForever()))
    await sleep(1)
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
  })

  virtual(
    'removes CancelledErrors from an ExceptionGroup, and catches a group that holds nothing else',
    async () => {
      const only = await cancelScope(async (scope) => {
        scope.cancel()
        throw new ExceptionGroup('cancels', [new CancelledError()])
      })
      expect(only.cancelled).toBe(true)
      const mixed = await cancelScope(async (scope) => {
        scope.cancel()
        throw new ExceptionGroup('mixed', [new CancelledError(), new RangeError('kept')])
      }).catch((error: unknown) => error)
      expect((mixed as ExceptionGroup).errors.map(nameOf)).toEqual(['RangeError'])
    },
  )

  virtual(
    'is cancelled with the reason of its signal option, aborted before or after the call',
    async () => {
      const controller = new AbortController()
      const result = cancelScope(() => sleepForever(), { signal: controller.signal })
      await sleep(1)
      controller.abort('why')
      expect(await result).toEqual({ cancelled: true, reason: 'why' })
      expect(await cancelScope(() => sleep(1), { signal: controller.signal })).toEqual({
        cancelled: true,
        reason: 'why',
      })
    },
  )

  virtual('ends at the deadline that its body has set last', async () => {
    const loop = getEventLoop()
    await cancelScope(
      async (scope) => {
        await sleep(5)
        scope.deadline = loop.time() + 100
        await sleep(50)
        scope.deadline = loop.time() + 5
        await sleepForever()
      },
      { timeout: 10 },
    )
    expect(loop.time()).toBe(60)
  })

  virtual(
    'aborts its own signal when a cancel is delivered inside, also the cancel of an outer scope',
    async () => {
      const seen: boolean[] = []
      await moveOnAfter(5, () =>
        cancelScope(async (scope) => {
          const { signal } = scope
          seen.push(signal.aborted)
          try {
            await sleepForever()
          } finally {
            seen.push(signal.aborted)
          }
        }),
      )
      expect(seen).toEqual([false, true])
    },
  )

  virtual('ignores a cancel after its end', async () => {
    let scope!: CancelScope
    await cancelScope(async (own) => {
      scope = own
    })
    scope.cancel()
    await sleep(1)
    expect(scope.cancelCalled).toBe(false)
  })

  test('works outside of a loop, and throws at the call for wrong arguments', async () => {
    expect(await cancelScope(async () => 1)).toEqual({ cancelled: false, value: 1 })
    const body = async (): Promise<void> => {}
    expect(() => cancelScope(1 as never)).toThrow(TypeError)
    expect(() => cancelScope(body, { timeout: 1, deadline: 1 })).toThrow('not both')
    expect(() => cancelScope(body, { timeout: Number.NaN })).toThrow(TypeError)
    expect(() => cancelScope(body, { shield: 1 as never })).toThrow(TypeError)
    expect(() => cancelScope(body, { signal: {} as never })).toThrow(TypeError)
    expect(() => failAfter(Number.NaN, body)).toThrow(TypeError)
    expect(() => moveOnAfter('1' as never, body)).toThrow(TypeError)
    expect(() => shielded(1 as never)).toThrow(TypeError)
  })
})

describe('a body that returns a promise that was made before', () => {
  virtual('is not awaited in a scope that is cancelled already', async () => {
    const never = new Promise(() => {})
    const passed = await moveOnAfter(0, () => never)
    const cancelled = await cancelScope((scope) => {
      scope.cancel('why')
      return never
    })
    const inner = await moveOnAfter(0, () => timeout(100, () => never))
    expect([passed.cancelled, cancelled, inner.cancelled, getEventLoop().time()]).toEqual([
      true,
      { cancelled: true, reason: 'why' },
      true,
      0,
    ])
  })

  virtual('is not awaited by a timeout in a task whose cancel has ended no wait yet', async () => {
    const promise = foreign(50)
    const task = createTask(async () => {
      await foreign(10)
      await timeout(100, () => promise)
    })
    await sleep(5)
    task.cancel()
    await wait([task])
    expect([task.cancelled(), getEventLoop().time()]).toEqual([true, 10])
  })

  virtual('gives its value if it is settled already', async () => {
    const promise = Promise.resolve('value')
    expect(await moveOnAfter(0, () => promise)).toEqual({ cancelled: false, value: 'value' })
  })

  virtual('is awaited inside shielded, although the scope around it is cancelled', async () => {
    const promise = foreign(50)
    const result = await moveOnAfter(0, () => shielded(() => promise))
    expect([result.cancelled, getEventLoop().time()]).toEqual([false, 50])
  })
})

describe('a cancel that comes while a scope waits for a call that its body has not awaited', () => {
  /** Begins a call whose clean-up lasts until 100 ms. If it is cancelled again before, it lasts only 1 ms more. */
  const beginCall = (): void => {
    const call = async (): Promise<void> => {
      try {
        await sleepForever()
      } finally {
        try {
          await sleep(95)
        } finally {
          await sleep(1)
        }
      }
    }
    void call().catch(() => {})
  }
  const returns = async (): Promise<string> => {
    beginCall()
    return sleepForever().catch(() => 'value')
  }
  const throws = async (): Promise<void> => {
    beginCall()
    await sleepForever()
  }
  const fails = async (): Promise<void> => {
    beginCall()
    await sleepForever().catch(() => {
      throw new RangeError('failed')
    })
  }
  const cancelledGroup = (body: () => Promise<unknown>): Promise<unknown> =>
    taskGroup((group) => {
      getEventLoop().callLater(5, () => group.cancel())
      return body()
    })

  for (const [name, open] of [
    ['timeout', (body) => timeout(5, body)],
    ['taskGroup', cancelledGroup],
    ['shielded', (body) => timeout(1, () => shielded(body, { grace: 4 }))],
  ] as [string, (body: () => Promise<unknown>) => Promise<unknown>][]) {
    virtual(`is thrown when the scope ends or at the next wait: ${name}`, async () => {
      for (const body of [returns, throws, fails]) {
        const start = getEventLoop().time()
        const log: unknown[] = []
        const task = createTask(async () => {
          try {
            await open(body)
          } catch (error) {
            log.push(...(error instanceof ExceptionGroup ? error.errors : [error]).map(nameOf))
          }
          log.push(getEventLoop().time() - start)
          await sleep(1)
          log.push('went on')
        })
        await sleep(20)
        task.cancel()
        await wait([task])
        const isFailure = body === fails
        // A failure is thrown in place of the CancelledError, and the next wait throws the cancel. After a
        // CancelledError that is caught, the next wait does not throw, as in asyncio.
        expect([body.name, log, task.cancelled()]).toEqual([
          body.name,
          isFailure ? ['RangeError', 21] : ['CancelledError', 21, 'went on'],
          isFailure,
        ])
      }
    })
  }

  virtual(
    'makes an outer timeout throw TimeoutError although the body of the inner timeout returns',
    async () => {
      expect(await timeout(20, () => timeout(5, returns)).catch(nameOf)).toBe('TimeoutError')
    },
  )
})

describe('a timeout', () => {
  virtual(
    'has expired when the abort listeners are called, so that they cannot reschedule it',
    async () => {
      const log: unknown[] = []
      const error = await timeout(5, async (scope) => {
        taskSignal().addEventListener('abort', () => {
          log.push(scope.expired())
          try {
            scope.reschedule(10)
          } catch (refused) {
            log.push(nameOf(refused))
          }
        })
        try {
          await sleepForever()
        } finally {
          await sleep(10)
        }
      }).catch(nameOf)
      expect([log, error, getEventLoop().time()]).toEqual([
        [true, 'RuntimeError'],
        'TimeoutError',
        15,
      ])
    },
  )
})

describe('failAfter', () => {
  virtual(
    'throws a TimeoutError with the reason if its scope was cancelled before the time',
    async () => {
      const cancelled = await failAfter(100, async (scope) => {
        scope.cancel('why')
        await sleepForever()
      }).catch((error: unknown) => error)
      expect(cancelled).toMatchObject({
        name: 'TimeoutError',
        message: 'the scope was cancelled',
        cause: 'why',
      })
    },
  )

  virtual(
    'throws TimeoutError after its time, when the clean-up of the body has ended',
    async () => {
      const error = await failAfter(5, async () => {
        try {
          await sleepForever()
        } finally {
          await shielded(() => sleep(10))
        }
      }).catch((thrown: unknown) => thrown)
      expect([error instanceof TimeoutError, getEventLoop().time()]).toEqual([true, 15])
    },
  )

  virtual('throws TimeoutError although its body swallows the cancel, unlike timeout', async () => {
    const swallow = async (): Promise<string> => {
      try {
        await sleep(100)
      } catch {
        // This handler swallows the cancel.
      }
      await sleep(100)
      return 'went on'
    }
    expect(await timeout(5, swallow)).toBe('went on')
    expect(await failAfter(5, swallow).catch(nameOf)).toBe('TimeoutError')
  })
})

describe('shielded', () => {
  virtual('delays the timeout of a scope until the body has ended', async () => {
    const log: string[] = []
    const result = await moveOnAfter(5, async () => {
      await shielded(async () => {
        await sleep(20)
        log.push('completed')
      })
      await sleep(1)
      log.push('not reached')
    })
    expect([result.cancelled, log, getEventLoop().time()]).toEqual([true, ['completed'], 20])
  })

  virtual(
    'delays task.cancel() until the body has ended, while cancelling() counts it',
    async () => {
      const log: unknown[] = []
      const task = createTask(async () => {
        await shielded(async () => {
          await sleep(20)
          log.push(currentTask()?.cancelling())
        })
        await sleep(1)
        log.push('not reached')
      })
      await sleep(5)
      task.cancel()
      await wait([task])
      expect([task.cancelled(), log]).toEqual([true, [1]])
    },
  )

  virtual('lets the cancel in when its grace is over, counted from the first cancel', async () => {
    const loop = getEventLoop()
    await moveOnAfter(5, () => shielded(() => sleepForever(), { grace: 30 }))
    expect(loop.time()).toBe(35)
    const task = createTask(() => shielded(() => sleepForever(), { grace: 30 }))
    await sleep(5)
    task.cancel()
    await sleep(10)
    task.cancel()
    await wait([task])
    expect([task.cancelled(), loop.time()]).toEqual([true, 70])
  })

  virtual('begins to count its grace at once in a scope that is cancelled already', async () => {
    await cancelScope(async (scope) => {
      scope.cancel()
      await shielded(() => sleepForever(), { grace: 10 })
    })
    expect(getEventLoop().time()).toBe(10)
  })

  virtual('waits for its body, unlike shield, which leaves its work running', async () => {
    const log: string[] = []
    const work = async (): Promise<void> => {
      await sleep(20)
      log.push('completed')
    }
    await moveOnAfter(5, () => shield(work))
    expect(log).toEqual([])
    await moveOnAfter(5, () => shielded(work))
    expect(log).toEqual(['completed', 'completed'])
  })

  virtual('does not keep a scope with shield: true from its own timeout', async () => {
    const result = await cancelScope(() => sleepForever(), { shield: true, timeout: 5 })
    expect(result.cancelled).toBe(true)
  })

  virtual(
    'a scope whose shield is switched off gets the cancel that the shield has kept out',
    async () => {
      const result = await moveOnAfter(5, () =>
        cancelScope(
          async (scope) => {
            await sleep(10)
            scope.shield = false
            await sleepForever()
          },
          { shield: true },
        ),
      )
      expect([result.cancelled, getEventLoop().time()]).toEqual([true, 10])
    },
  )
})

describe('currentScope and effectiveDeadline', () => {
  virtual('currentScope() is the nearest scope, also in the tasks of a group', async () => {
    expect(currentScope()).toBeNull()
    await cancelScope(async (outer) => {
      expect(currentScope()).toBe(outer)
      await cancelScope(async (inner) => expect(currentScope()).toBe(inner))
      await taskGroup(async (group) => {
        await group.createTask(async () => expect(currentScope()).toBe(outer))
      })
      await createTask(async () => expect(currentScope()).toBeNull())
    })
  })

  virtual('effectiveDeadline() is the earliest deadline that no shield hides', async () => {
    expect(effectiveDeadline()).toBe(Infinity)
    await failAfter(100, async () => {
      await timeout(50, async () => expect(effectiveDeadline()).toBe(50))
      await failAfter(500, async () => expect(effectiveDeadline()).toBe(100))
      await shielded(async () => expect(effectiveDeadline()).toBe(Infinity))
    })
    await cancelScope(async (scope) => {
      scope.cancel()
      expect(effectiveDeadline()).toBe(-Infinity)
    })
  })
})

describe('the clean-up of the library in a cancelled scope', () => {
  virtual(
    'the disposal of a task waits for the clean-up of the task without a busy loop',
    async () => {
      const loop = getEventLoop()
      let turns = 0
      const log: string[] = []
      await cancelScope(async (scope) => {
        const child = createTask(async () => {
          try {
            await sleepForever()
          } finally {
            await sleep(30)
            log.push('child cleaned')
          }
        })
        await sleep(1)
        scope.cancel()
        const before = loop.turns
        await child[Symbol.asyncDispose]()
        turns = loop.turns - before
      })
      expect(log).toEqual(['child cleaned'])
      expect(turns).toBeLessThan(50)
    },
  )

  virtual(
    'a group waits for the clean-up of its tasks, which the scope has cancelled',
    async () => {
      const log: string[] = []
      const result = await moveOnAfter(5, async () => {
        await taskGroup(async (group) => {
          group.createTask(async () => {
            try {
              await sleepForever()
            } finally {
              await shielded(() => sleep(20))
              log.push('cleaned')
            }
          })
        })
        log.push('not reached')
      })
      expect([result.cancelled, log, getEventLoop().time()]).toEqual([true, ['cleaned'], 25])
    },
  )
})

describe('the branches of a Promise.all', () => {
  virtual('the timeout of a scope in one branch does not end the other branches', async () => {
    const [cut, other] = await Promise.all([
      moveOnAfter(5, () => sleepForever()),
      (async () => {
        await sleep(20)
        await foreign(5)
        return 'other'
      })(),
    ])
    expect([cut.cancelled, other]).toEqual([true, 'other'])
  })

  virtual('all end when the scope around them is cancelled', async () => {
    const log: string[] = []
    await moveOnAfter(5, () =>
      Promise.allSettled(
        [1, 2, 3].map(async (n) => {
          try {
            await sleepForever()
          } catch (error) {
            log.push(`${n} ${isCancelled(error)}`)
            throw error
          }
        }),
      ),
    )
    expect(log).toEqual(['1 true', '2 true', '3 true'])
  })
})

describe('clean-up in a branch of a Promise.all', () => {
  virtual('a cancelled scope waits for the disposal of a task in one of its branches', async () => {
    const log: string[] = []
    const task = createTask(async () => {
      try {
        await sleepForever()
      } finally {
        await shielded(() => sleep(50))
        log.push('the task has cleaned up')
      }
    })
    await sleep(0)
    const branch = async (): Promise<void> => {
      try {
        await sleepForever()
      } finally {
        await task[Symbol.asyncDispose]()
        log.push('the branch has cleaned up')
      }
    }
    const result = await cancelScope(() => Promise.all([sleepForever(), branch()]), { timeout: 2 })
    log.push('the scope has ended')
    expect(result.cancelled).toBe(true)
    expect(log).toEqual([
      'the task has cleaned up',
      'the branch has cleaned up',
      'the scope has ended',
    ])
  })

  virtual(
    'a cancelled scope gets its CancelledError through a timeout that has passed during the clean-up',
    async () => {
      const result = await cancelScope(async (scope) => {
        getEventLoop().callLater(1, () => scope.cancel('stop'))
        await timeout(4, async () => {
          try {
            await sleepForever()
          } finally {
            await shielded(() => sleep(10))
          }
        })
      })
      expect(result).toEqual({ cancelled: true, reason: 'stop' })
    },
  )
})
