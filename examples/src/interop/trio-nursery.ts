import {
  ExceptionGroup,
  Future,
  isCancelled,
  moveOnAfter,
  run,
  shielded,
  sleep,
  taskGroup,
} from '@tasktree/core'

/** The nursery of Trio, made of a task group inside a cancel scope. */
interface Nursery {
  startSoon(child: () => PromiseLike<unknown>): void
  /** Starts the child, waits until the child calls `started(value)`, and resolves with that value. */
  start<T>(child: (started: (value: T) => void) => PromiseLike<unknown>): Future<T>
  /** Cancels the body and the children. The cancel ends at the end of the nursery. */
  cancel(): void
}

/** Runs `body`, and waits for all children. Resolves with whether `nursery.cancel()` ended the nursery. */
async function openNursery(body: (nursery: Nursery) => Promise<void>): Promise<boolean> {
  const { cancelled } = await moveOnAfter(Infinity, (scope) =>
    taskGroup((group) =>
      body({
        startSoon: (child) => void group.createTask(child),
        start: <T>(child: (started: (value: T) => void) => PromiseLike<unknown>) => {
          const value = new Future<T>()
          group.createTask(() => child((started) => value.setResult(started)))
          return value
        },
        cancel: () => scope.cancel(),
      }),
    ),
  )
  return cancelled
}

async function child(name: string, ms: number): Promise<void> {
  try {
    await sleep(ms)
    console.log(name, 'has slept')
  } catch (error) {
    if (isCancelled(error)) console.log(name, 'was cancelled')
    throw error
  }
}

async function service(started: (port: string) => void): Promise<void> {
  await sleep(100)
  started('port 8080')
  await sleep(Infinity)
}

async function failing(): Promise<void> {
  await sleep(100)
  throw new Error('broken')
}

await run(async () => {
  // A nursery waits for its children.
  await openNursery(async (nursery) => {
    nursery.startSoon(() => child('one', 200))
    nursery.startSoon(() => child('two', 100))
  })
  console.log('all have ended')

  // A cancel of the nursery ends its children.
  const caught = await openNursery(async (nursery) => {
    console.log('the service listens at', await nursery.start(service))
    nursery.startSoon(() => child('three', 3_600_000))
    await sleep(100)
    nursery.cancel()
  })
  console.log('the cancel was caught:', caught)

  // The failure of one child ends the other children.
  try {
    await openNursery(async (nursery) => {
      nursery.startSoon(() => child('four', 3_600_000))
      nursery.startSoon(failing)
    })
  } catch (error) {
    if (!(error instanceof ExceptionGroup)) throw error
    console.log('failed:', (error.errors[0] as Error).message)
  }

  // A deadline ends a scope, except for the code that is shielded from it.
  const { cancelled } = await moveOnAfter(200, async () => {
    await shielded(() => child('five', 400))
    await sleep(Infinity)
  })
  console.log('moved on:', cancelled)
})
