import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import {
  createTask,
  currentTask,
  detached,
  Future,
  getEventLoop,
  isCancelled,
  newEventLoop,
  run,
  sleep,
  taskGroup,
  taskSignal,
  timeout,
  wait,
  waitFor,
} from '@tasktree/core'
import { abandon, currentFrame, runInNewFrame, takeRejections } from '@tasktree/core/lowlevel'
import { describe, expect, test, vi } from 'vitest'
import { program } from './support/program.ts'
import { foreign, virtual } from './support/virtual.ts'

const nameOf = (error: unknown): string => (error as Error).name
const never = (): Future<void> => new Future<void>()

describe('a scope cancels what is inside it, and nothing beside it', () => {
  const scopes = {
    timeout: () => timeout(5, never).catch(nameOf),
    waitFor: () => waitFor(never(), 5).catch(nameOf),
    taskGroup: () =>
      taskGroup(async (group) => {
        group.createTask(async () => {
          throw new Error('child')
        })
        await never()
      }).catch(nameOf),
  }
  for (const [name, scope] of Object.entries(scopes)) {
    virtual(`${name} in one branch of Promise.all leaves the other branch running`, async () => {
      const other = async (): Promise<string> => {
        await sleep(40)
        return 'other'
      }
      const [, result] = await Promise.all([scope(), other()])
      expect(result).toBe('other')
      expect(currentTask()?.cancelling()).toBe(0)
    })

    virtual(
      `${name} works in a promise callback that a task has left behind after its end`,
      async () => {
        const result = Promise.withResolvers<unknown>()
        await createTask(async () => {
          void foreign(10).then(async () => result.resolve(await scope()))
        })
        expect(await waitFor(result.promise, 100)).not.toBeUndefined()
      },
    )
  }

  virtual('an inner timeout ends only the body of the inner timeout', async () => {
    const log: unknown[] = []
    await timeout(50, async () => {
      log.push(await timeout(5, () => sleep(1_000)).catch(nameOf))
      await sleep(10)
      log.push('went on')
    })
    expect(log).toEqual(['TimeoutError', 'went on'])
  })

  virtual(
    'cancelling() is 1 after a timeout has cancelled its body, and 0 after uncancel()',
    async () => {
      const task = createTask(async () => {
        const counts: number[] = []
        await timeout(5, async () => {
          try {
            await never()
          } catch {
            counts.push(currentTask()?.cancelling() as number)
            currentTask()?.uncancel()
          }
          counts.push(currentTask()?.cancelling() as number)
        })
        return counts
      })
      expect(await task).toEqual([1, 0])
    },
  )
})

describe('the body of a timeout', () => {
  virtual('has the work that it returns as a promise cancelled and cleaned up', async () => {
    let cleaned = false
    const work = async (): Promise<void> => {
      try {
        await sleep(100)
      } finally {
        await sleep(3)
        cleaned = true
      }
    }
    expect(await timeout(5, () => work()).catch(nameOf)).toBe('TimeoutError')
    expect(cleaned).toBe(true)
    expect(getEventLoop().time()).toBe(8)
  })

  virtual('does not cancel work that was begun before the timeout', async () => {
    const work = (async () => {
      await sleep(50)
      return 'done'
    })()
    expect(await timeout(5, () => work).catch(nameOf)).toBe('TimeoutError')
    expect(getEventLoop().time()).toBe(5)
    expect(await work).toBe('done')
  })

  virtual(
    'is no longer awaited if it is a foreign promise from outside, whose later failure is reported',
    async () => {
      const report = vi.fn<() => void>()
      getEventLoop().setExceptionHandler(report)
      const promise = foreign(50).then(() => {
        throw new Error('late')
      })
      expect(await timeout(5, () => promise).catch(nameOf)).toBe('TimeoutError')
      expect(getEventLoop().time()).toBe(5)
      await sleep(100)
      expect(report).toHaveBeenCalledOnce()
    },
  )

  virtual('is awaited to its end if it has itself begun to await a foreign promise', async () => {
    const seen = await timeout(5, () => foreign(50)).catch(nameOf)
    expect([seen, getEventLoop().time()]).toEqual([undefined, 50])
  })

  virtual(
    'is cancelled by an AbortError of its taskSignal(), while the signal outside does not abort',
    async () => {
      const listen = (signal: AbortSignal): Promise<never> =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () =>
            reject(new DOMException('the operation was aborted', 'AbortError')),
          )
        })
      const outer = taskSignal()
      expect(await timeout(5, () => listen(taskSignal())).catch(nameOf)).toBe('TimeoutError')
      expect(outer.aborted).toBe(false)
    },
  )
})

describe('a scope or a task that was cancelled', () => {
  virtual('waits until the other branches have ended their clean-up', async () => {
    const log: string[] = []
    const branch = (ms: number) => async (): Promise<void> => {
      try {
        await never()
      } finally {
        await sleep(ms)
        log.push(`cleaned after ${ms}`)
      }
    }
    const task = createTask(() => Promise.all([branch(1)(), branch(20)()]))
    await sleep(5)
    task.cancel()
    await wait([task])
    log.push('ended')
    expect(log).toEqual(['cleaned after 1', 'cleaned after 20', 'ended'])
  })

  virtual(
    'throws at the next wait of a branch that comes back from a foreign promise',
    async () => {
      const log: unknown[] = []
      await timeout(5, () =>
        Promise.all([
          (async () => {
            await foreign(50)
            log.push(await sleep(1).then(() => 'slept', nameOf))
          })(),
          never(),
        ]),
      ).catch((error) => log.push(nameOf(error)))
      await sleep(100)
      expect(log).toEqual(['TimeoutError', 'CancelledError'])
    },
  )

  virtual(
    'cancels the future that a late branch awaits, so that it does not take the place of another waiter',
    async () => {
      const future = never()
      await timeout(5, () => Promise.all([foreign(50).then(() => future), never()])).catch(() => {})
      await sleep(100)
      expect(future.cancelled()).toBe(true)
    },
  )

  virtual('does not lose an outer cancel that comes while a branch cleans up', async () => {
    const task = createTask(async () => {
      await timeout(5, () =>
        Promise.all([
          never(),
          (async () => {
            try {
              await never()
            } finally {
              await sleep(50)
            }
          })(),
        ]),
      ).catch((error) => {
        if (isCancelled(error)) throw error
      })
      return 'lost'
    })
    await sleep(20)
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
  })

  virtual(
    'by abandon is done at once, and each later wait of its code throws CancelledError',
    async () => {
      const log: string[] = []
      const task = createTask(async () => {
        for (;;) {
          try {
            await sleep(10)
          } catch (error) {
            log.push(nameOf(error))
            if (log.length === 3) return
          }
        }
      })
      await sleep(1)
      abandon(task)
      expect(task.cancelled()).toBe(true)
      await sleep(100)
      expect(log).toEqual(['CancelledError', 'CancelledError', 'CancelledError'])
    },
  )
})

describe('a cancel of a task arrives once', () => {
  const abandonments: Record<string, (event: Future<void>) => Promise<unknown>> = {
    'the loser of a Promise.race': (event) => Promise.race([event, sleep(1)]),
    'the rest of a failed Promise.all': (event) =>
      Promise.all([
        event,
        (async () => {
          throw new Error('failed')
        })(),
      ]).catch(() => {}),
    'a call that nobody awaits': async (event) => {
      void (async () => {
        try {
          await event
        } catch {}
      })()
    },
  }
  for (const [name, leave] of Object.entries(abandonments)) {
    virtual(`at the next wait after a foreign promise, beside ${name}`, async () => {
      const task = createTask(async () => {
        await leave(never())
        await foreign(30)
        await sleep(50)
      })
      await sleep(10)
      task.cancel()
      await wait([task])
      expect(task.cancelled()).toBe(true)
    })

    virtual(`at the next wait if the task has cancelled itself, beside ${name}`, async () => {
      const task = createTask(async () => {
        await leave(never())
        currentTask()?.cancel()
        await sleep(20)
      })
      await wait([task])
      expect(task.cancelled()).toBe(true)
    })
  }

  virtual('so that a clean-up with a foreign await in it can finish', async () => {
    const log: string[] = []
    const task = createTask(async () => {
      try {
        await never()
      } finally {
        await foreign(20)
        await sleep(50)
        log.push('cleaned')
      }
    })
    await sleep(10)
    task.cancel()
    await wait([task])
    expect([task.cancelled(), log]).toEqual([true, ['cleaned']])
  })

  const uses: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    'the signal itself': (signal) => delay(10_000, null, { signal }),
    'AbortSignal.any': (signal) =>
      delay(10_000, null, { signal: AbortSignal.any([signal, AbortSignal.timeout(60_000)]) }),
    'polling a signal made by AbortSignal.any': async (signal) => {
      const derived = AbortSignal.any([signal])
      for (;;) {
        derived.throwIfAborted()
        await delay(1)
      }
    },
    'throwIfAborted()': async (signal) => {
      for (;;) {
        signal.throwIfAborted()
        await delay(1)
      }
    },
    'polling aborted': async (signal) => {
      while (!signal.aborted) await delay(1)
    },
    'polling reason': async (signal) => {
      while (signal.reason === undefined) await delay(1)
      throw signal.reason
    },
  }
  for (const [name, use] of Object.entries(uses)) {
    test(`through the signal of the task: ${name}`, async () => {
      await run(async () => {
        let cleaned = false
        const task = createTask(async () => {
          try {
            await use(taskSignal())
          } finally {
            await sleep(2)
            cleaned = true
          }
        })
        await sleep(10)
        task.cancel()
        await wait([task])
        expect(cleaned).toBe(true)
      })
    })
  }
})

describe('a request of a node:http server made in run()', () => {
  test('times out without ending main or the other requests', async () => {
    const listening = Promise.withResolvers<number>()
    const stop = new Future<void>({ loop: newEventLoop() })
    const main = run(async () => {
      const server = http
        // oxlint-disable-next-line typescript/no-misused-promises -- programs write handlers of node:http in this way
        .createServer(async (request, response) => {
          try {
            if (request.url === '/slow') await timeout(10, () => sleep(10_000))
            else await sleep(40)
            response.end('fine')
          } catch (error) {
            response.end(nameOf(error))
          }
        })
        .listen(0, () => listening.resolve((server.address() as AddressInfo).port))
      try {
        await stop
        return 'stopped when told'
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })
    const port = await listening.promise
    const get = async (path: string): Promise<string> =>
      (await fetch(`http://localhost:${port}${path}`)).text()
    const answers = await Promise.all([get('/slow'), get('/ok'), get('/slow')])
    stop.setResult()
    expect([...answers, await main]).toEqual([
      'TimeoutError',
      'fine',
      'TimeoutError',
      'stopped when told',
    ])
  })
})

describe('a call that no code awaits', () => {
  test('is reported when it is cancelled, and does not end the process', async () => {
    const { code, output } = await program(`
      await core.run(async () => {
        core.getEventLoop().setExceptionHandler((_loop, { message }) => console.log(message.split(':')[0]))
        const worker = core.createTask(async () => { void core.sleep(500).then(() => {}); void (async () => { await core.sleep(500) })(); await core.sleep(1_000) })
        await core.sleep(5)
        worker.cancel()
        await core.wait([worker])
        await core.sleep(10)
        console.log('main goes on')
      })
    `)
    expect([code, output]).toEqual([0, 'A call that was not awaited was cancelled\nmain goes on\n'])
  })

  test('ends the process when it fails with another error, as without this library', async () => {
    const { code } = await program(`
      await core.run(async () => {
        void (async () => { await core.sleep(1); throw new Error('a bug') })()
        await core.sleep(50)
      })
    `)
    expect(code).toBe(1)
  })

  test('is cancelled at the end of the run, and its clean-up finishes', async () => {
    const log: string[] = []
    await run(async () => {
      void (async () => {
        try {
          await sleep(10_000)
        } finally {
          await sleep(5)
          log.push('cleaned')
        }
      })()
      await sleep(1)
    })
    expect(log).toEqual(['cleaned'])
  })

  test('does not keep the run from ending even if it swallows every cancel', async () => {
    await run(async () => {
      void (async () => {
        for (;;) {
          try {
            await sleep(1_000)
          } catch {}
        }
      })()
      await sleep(1)
    })
  }, 10_000)

  test('makes the run listen for unhandled rejections only until the run ends', async () => {
    const before = process.listenerCount('unhandledRejection')
    await run(async () => {
      expect(process.listenerCount('unhandledRejection')).toBe(before + 1)
    })
    await delay(5)
    expect(process.listenerCount('unhandledRejection')).toBe(before)
  })

  test('that rejects is first passed to the function given to takeRejections', async () => {
    const taken: unknown[] = []
    const stop = takeRejections((error) => {
      taken.push(nameOf(error))
      return true
    })
    void Promise.reject(new RangeError('mine'))
    await delay(5)
    stop()
    expect(taken).toEqual(['RangeError'])
  })
})

describe('detached and runInNewFrame', () => {
  virtual('detached code runs in no task, and goes on after the scope that called it', async () => {
    const made = await timeout(5, async () =>
      detached(() => {
        expect(currentTask()).toBeNull()
        return (async () => {
          await sleep(20)
          return 'lived'
        })()
      }),
    )
    expect(made).toBe('lived')
  })

  virtual('the code in runInNewFrame sees its new frame, also after its awaits', async () => {
    const outer = currentFrame()
    const look = async (): Promise<boolean> => {
      const own = currentFrame()
      await sleep(1)
      await foreign(1)
      return own === currentFrame() && own !== outer && own?.parent === outer
    }
    expect(await Promise.all([runInNewFrame(look), runInNewFrame(look)])).toEqual([true, true])
    expect(currentFrame()).toBe(outer)
  })
})
