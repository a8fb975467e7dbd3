import {
  allTasks,
  ContextVar,
  copyContext,
  coroutine,
  createTask,
  currentTask,
  ExceptionGroup,
  Future,
  KeyboardInterrupt,
  RuntimeError,
  sleep,
  type Task,
  type TaskGroup,
  taskGroup,
} from '@tasktree/core'
import { expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of Lib/test/test_asyncio/test_taskgroups.py (CPython 3.13); the name of each case there
// stands above its test.

class Failure extends Error {}
class OtherFailure extends Error {}

const after = async <T>(ms: number, value: T): Promise<T> => {
  await sleep(ms)
  return value
}
const failAfter =
  (ms: number, make: () => Error = () => new Failure()) =>
  async (): Promise<void> => {
    await sleep(ms)
    throw make()
  }

/** Makes a function that waits, and throws `error` in its clean-up when it is cancelled. */
const failInCleanup =
  (error: Error = new Failure()) =>
  async (): Promise<void> => {
    try {
      await sleep(10_000)
    } finally {
      // oxlint-disable-next-line no-unsafe-finally -- the case that is tested
      throw error
    }
  }

/** Returns the class names of the errors in an exception group. A nested group becomes an array. */
function shape(error: unknown): unknown {
  if (!(error instanceof ExceptionGroup)) return (error as Error).constructor.name
  return error.errors.map(shape)
}

/** Runs `body` as a task, cancels the task after `ms` milliseconds, and returns the error that the task threw. */
async function cancelAfter(ms: number, body: () => PromiseLike<unknown>): Promise<unknown> {
  const task = createTask(body)
  await sleep(ms)
  expect(task.done()).toBe(false)
  task.cancel()
  return thrown(task)
}

// test_taskgroup_01, 02
virtual('a task group waits for all its tasks, also for tasks created later', async () => {
  const tasks: Task<number>[] = []
  await taskGroup(async (group) => {
    tasks.push(group.createTask(async () => after(100, 42)))
    await sleep(150)
    tasks.push(group.createTask(async () => after(200, 11)))
  })
  expect(tasks.map((task) => task.result())).toEqual([42, 11])
})

// test_taskgroup_03
virtual(
  'a task of a group that is cancelled on its own does not disturb the other tasks',
  async () => {
    const tasks: Task<number>[] = []
    await taskGroup(async (group) => {
      tasks.push(group.createTask(async () => after(1_000, 42)))
      await sleep(150)
      tasks[0]?.cancel()
      tasks.push(group.createTask(async () => after(200, 11)))
    })
    expect(tasks[0]?.cancelled()).toBe(true)
    expect(tasks[1]?.result()).toBe(11)
  },
)

// test_taskgroup_04
virtual(
  'the failure of a task in a group cancels its siblings and is thrown in an ExceptionGroup',
  async () => {
    let sibling: Task<number> | undefined
    let reached = false
    const error = await thrown(
      createTask(async () => {
        await taskGroup(async (group) => {
          group.createTask(failAfter(100))
          sibling = group.createTask(async () => after(1_000, 1))
        })
        reached = true
      }),
    )
    expect(shape(error)).toEqual(['Failure'])
    expect(sibling?.cancelled()).toBe(true)
    expect(reached).toBe(false)
  },
)

// test_cancel_children_on_child_error
virtual(
  'tasks of a group that fail at the same time are all in the ExceptionGroup, and the body is cancelled',
  async () => {
    const log: string[] = []
    const error = await thrown(
      taskGroup(async (group) => {
        for (let i = 0; i < 3; i++) group.createTask(failAfter(100))
        group.createTask(async () => {
          try {
            await sleep(5_000)
          } finally {
            log.push('sibling')
          }
        })
        try {
          await sleep(10_000)
        } finally {
          log.push('body')
        }
      }),
    )
    expect(shape(error)).toEqual(['Failure', 'Failure', 'Failure'])
    expect(log.toSorted()).toEqual(['body', 'sibling'])
  },
)

// test_cancellation, test_taskgroup_07
virtual(
  'a cancel of a group from outside reaches its tasks and its body, and stays a CancelledError',
  async () => {
    let cancelled = 0
    const one = async (): Promise<void> => {
      try {
        await sleep(5_000)
      } finally {
        cancelled++
      }
    }
    const waiting = await cancelAfter(100, () =>
      taskGroup(async (group) => {
        for (let i = 0; i < 5; i++) group.createTask(one)
      }),
    )
    expect(shape(waiting)).toBe('CancelledError')
    expect(cancelled).toBe(5)
    const inBody = await cancelAfter(100, () =>
      taskGroup(async (group) => {
        for (let i = 0; i < 5; i++) group.createTask(one)
        await one()
      }),
    )
    expect(shape(inBody)).toBe('CancelledError')
    expect(cancelled).toBe(11)
  },
)

// test_taskgroup_08
virtual('failures of the clean-up in a cancelled group replace the CancelledError', async () => {
  const error = await cancelAfter(100, () =>
    taskGroup(async (group) => {
      for (let i = 0; i < 5; i++) group.createTask(failInCleanup())
      await sleep(10_000)
    }),
  )
  expect(shape(error)).toEqual(['Failure', 'Failure', 'Failure', 'Failure', 'Failure'])
})

// test_taskgroup_09, 10
virtual(
  'a failing group body cancels all tasks of the group and is thrown in an ExceptionGroup',
  async () => {
    for (const delay of [100, 0]) {
      const tasks: Task<number>[] = []
      const error = await thrown(
        taskGroup(async (group) => {
          tasks.push(group.createTask(async () => after(1_000, 1)))
          tasks.push(group.createTask(async () => after(2_000, 2)))
          if (delay > 0) await sleep(delay)
          throw new Failure()
        }),
      )
      expect(shape(error)).toEqual(['Failure'])
      expect(tasks.map((task) => task.cancelled())).toEqual([true, true])
    }
  },
)

// test_taskgroup_11, 12
virtual(
  'the ExceptionGroup of an inner group is an item of the ExceptionGroup of the outer group',
  async () => {
    for (const withTask of [false, true]) {
      const error = await cancelAfter(100, () =>
        taskGroup(async (outer) => {
          if (withTask) outer.createTask(() => sleep(10_000))
          await taskGroup(async (inner) => {
            for (let i = 0; i < 2; i++) inner.createTask(failInCleanup())
            await sleep(10_000)
          })
        }),
      )
      expect(shape(error)).toEqual([['Failure', 'Failure']])
    }
  },
)

// test_taskgroup_13, 14
virtual(
  'a failure in the outer group ends the inner group, and a failure in the inner group ends the outer',
  async () => {
    const nested = (outerDelay: number, innerDelay: number): Promise<unknown> =>
      thrown(
        taskGroup(async (outer) => {
          outer.createTask(failAfter(outerDelay))
          await taskGroup(async (inner) => {
            inner.createTask(failAfter(innerDelay))
          })
        }),
      )
    expect(shape(await nested(100, 10_000))).toEqual(['Failure'])
    expect(shape(await nested(10_000, 100))).toEqual([['Failure']])
  },
)

// test_taskgroup_15, 16
virtual(
  'a task of a group that fails while the cancelled body cleans up is in the ExceptionGroup',
  async () => {
    const group = (): PromiseLike<void> =>
      taskGroup(async (group) => {
        group.createTask(failAfter(300))
        try {
          await sleep(10_000)
        } finally {
          await sleep(500)
        }
      })
    expect(shape(await cancelAfter(100, group))).toEqual(['Failure'])
    const behindATask = async (): Promise<void> => createTask(group)
    expect(shape(await cancelAfter(100, behindATask))).toEqual(['Failure'])
  },
)

// test_taskgroup_17, 18
virtual(
  'a group body that throws its own error after a cancel makes the group throw this error',
  async () => {
    const error = await cancelAfter(100, () => taskGroup(failInCleanup(new OtherFailure())))
    expect(shape(error)).toEqual(['OtherFailure'])
    expect(shape(await cancelAfter(100, () => taskGroup(async () => sleep(10_000))))).toBe(
      'CancelledError',
    )
  },
)

// test_taskgroup_19, 20a, 21a
virtual(
  'an ExceptionGroup holds the error of the group body beside the errors of the tasks',
  async () => {
    const error = await thrown(
      taskGroup(async (group) => {
        group.createTask(failAfter(100))
        await failInCleanup(new OtherFailure())()
      }),
    )
    expect(shape(error)).toEqual(['Failure', 'OtherFailure'])
  },
)

// test_taskgroup_20
virtual('a KeyboardInterrupt of a group body is thrown without an ExceptionGroup', async () => {
  const error = await thrown(
    taskGroup(async (group) => {
      group.createTask(failAfter(100))
      await failInCleanup(new KeyboardInterrupt())()
    }),
  )
  expect(error).toBeInstanceOf(KeyboardInterrupt)
})

// test_taskgroup_22
virtual(
  'a group that is cancelled while it waits for its tasks throws CancelledError',
  async () => {
    const error = await cancelAfter(50, () =>
      taskGroup(async (group) => {
        group.createTask(async () => after(1_000, 42))
        group.createTask(async () => after(2_000, 11))
      }),
    )
    expect(shape(error)).toBe('CancelledError')
  },
)

// test_taskgroup_23
virtual('allTasks() does not keep the tasks of a group that have ended', async () => {
  await taskGroup(async (group) => {
    for (let count = 0; count < 10; count++) {
      await sleep(100)
      group.createTask(() => sleep(300))
    }
    expect(allTasks().size).toBeLessThan(5)
    await sleep(1_350)
    expect(allTasks().size).toBe(1)
  })
})

// test_taskgroup_24, 25
virtual('tasks of a group can create tasks in the group until the group shuts down', async () => {
  let hydras = 0
  const hydra = (group: TaskGroup) => async (): Promise<void> => {
    hydras++
    await sleep(10)
    for (let i = 0; i < 2; i++) group.createTask(hydra(group))
  }
  const error = await thrown(
    taskGroup(async (group) => {
      group.createTask(hydra(group))
      group.createTask(async () => {
        // oxlint-disable-next-line no-unmodified-loop-condition -- other tasks modify it
        while (hydras < 10) await sleep(15)
        throw new Failure()
      })
    }),
  )
  expect(shape(error)).toEqual(['Failure'])
  expect(hydras).toBeGreaterThanOrEqual(10)
})

// test_taskgroup_task_name
virtual('TaskGroup.createTask gives the task the name of its name option', async () => {
  await taskGroup(async (group) => {
    expect(group.createTask(async () => {}, { name: 'yolo' }).name).toBe('yolo')
  })
})

// test_taskgroup_task_context
virtual('TaskGroup.createTask runs the task in the context of its context option', async () => {
  const variable = new ContextVar<number>('variable')
  const set = (value: number) => async (): Promise<void> => {
    await sleep(0)
    variable.set(value)
  }
  await taskGroup(async (group) => {
    const context = copyContext()
    expect(context.get(variable)).toBeUndefined()
    await group.createTask(set(1), { context })
    expect(context.get(variable)).toBe(1)
    await group.createTask(set(2), { context })
    expect(context.get(variable)).toBe(2)
  })
})

// test_taskgroup_no_create_task_after_failure
virtual('a group that shuts down after a failure refuses new tasks', async () => {
  let refusal: unknown
  const error = await thrown(
    taskGroup(async (group) => {
      group.createTask(failAfter(1))
      group.createTask(async () => {
        try {
          await sleep(1_000)
        } catch {
          refusal = await thrown((async () => group.createTask(async () => {}))())
        }
      })
    }),
  )
  expect(shape(error)).toEqual(['Failure'])
  expect(refusal).toBeInstanceOf(RuntimeError)
  expect(String(refusal)).toContain('shutting down')
})

// test_taskgroup_context_manager_exit_raises
virtual(
  'a failing disposal in the cancelled body of a group leaves cancelling() at 0',
  async () => {
    await createTask(async () => {
      const error = await thrown(
        taskGroup(async (group) => {
          await using _ = { [Symbol.asyncDispose]: async () => Promise.reject(new Failure()) }
          group.createTask(async () => Promise.reject(new Failure()))
          await sleep(1_000)
        }),
      )
      expect(currentTask()?.cancelling()).toBe(0)
      expect((error as ExceptionGroup).errors).toHaveLength(2)
    })
  },
)

// test_taskgroup_finished, test_coro_closed_when_tg_closed
virtual(
  'a finished group refuses a new task, and closes the coroutine that it is given',
  async () => {
    const groups: TaskGroup[] = []
    await taskGroup(async (group) => {
      groups.push(group)
    })
    const lazy = coroutine(async () => {})()
    expect(() => groups[0]?.createTask(lazy)).toThrow('is finished')
    await expect(createTask(lazy)).rejects.toBeInstanceOf(RuntimeError)
  },
)

// test_cancelling_level_preserved
virtual('a group with a failing task leaves cancelling() at 0', async () => {
  await thrown(
    taskGroup(async (group) => {
      group.createTask(failAfter(0))
    }),
  )
  expect(currentTask()?.cancelling()).toBe(0)
})

// test_nested_groups_both_cancelled
virtual(
  'nested groups that fail at the same time each throw their own failure and take back their own cancel',
  async () => {
    const outerError = await thrown(
      taskGroup(async (outer) => {
        const innerError = await thrown(
          taskGroup(async (inner) => {
            inner.createTask(failAfter(0))
            outer.createTask(failAfter(0, () => new OtherFailure()))
          }),
        )
        expect(shape(innerError)).toEqual(['Failure'])
        expect(currentTask()?.cancelling()).toBe(1)
      }),
    )
    expect(shape(outerError)).toEqual(['OtherFailure'])
    expect(currentTask()?.cancelling()).toBe(0)
  },
)

// test_error_and_cancel
virtual(
  'an outer cancel during the failure of a group is delivered at the wait after the group',
  async () => {
    const event = new Future<void>()
    const log: string[] = []
    const task = createTask(async () => {
      const error = await thrown(
        taskGroup(async (group) => {
          group.createTask(async () => {
            event.setResult()
            await sleep(0)
            throw new Failure()
          })
          await sleep(1_000)
          log.push('never')
        }),
      )
      log.push(`${String(shape(error))} ${currentTask()?.cancelling()}`)
      await sleep(1_000)
      log.push('never')
    })
    await event
    expect(task.cancelling()).toBe(0)
    task.cancel()
    expect(task.cancelling()).toBe(1)
    await thrown(task)
    expect(task.cancelled()).toBe(true)
    expect(log).toEqual(['Failure 1'])
  },
)

// test_taskgroup_without_parent_task (CPython throws here)
test('taskGroup outside of every task runs its body in a task that it makes', async () => {
  const names = await taskGroup(async (group) => {
    const child = group.createTask(async () => currentTask()?.parent?.name)
    return [await child, currentTask()?.name]
  })
  expect(names[0]).toBeDefined()
  expect(names[0]).toBe(names[1])
})
