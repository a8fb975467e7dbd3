import {
  asCompleted,
  cancelScope,
  type Coroutine,
  coroutine,
  createTask,
  ensureFuture,
  Future,
  gather,
  moveOnAfter,
  type ScopeResult,
  run,
  shield,
  sleep,
  type Task,
  taskGroup,
  timeout,
  wait,
  waitFor,
} from '@tasktree/core'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function check<_T extends true>(): void {}

async function results(): Promise<void> {
  const triple = await gather([async () => 1, sleep(1, 'x'), Promise.resolve(true)])
  check<Equal<typeof triple, [number, string, boolean]>>()
  const kept = await gather([async () => 1], { returnExceptions: true })
  check<Equal<typeof kept, [number | Error]>>()
  const many = await gather([1, 2].map((n) => async () => n))
  check<Equal<typeof many, number[]>>()

  const task = createTask(async () => 1)
  check<Equal<typeof task, Task<number>>>()
  const generated = createTask(function* () {
    yield* sleep(1)
    return 'x'
  })
  check<Equal<typeof generated, Task<string>>>()
  const lazy = coroutine(async (n: number, s: string) => `${n}${s}`)
  const call = lazy(1, 'x')
  check<Equal<typeof call, Coroutine<string>>>()
  const fromLazy = createTask(call)
  check<Equal<typeof fromLazy, Task<string>>>()

  const value = await waitFor(async () => 1, 10)
  check<Equal<typeof value, number>>()
  const timed = await timeout(10, async (scope) => scope.expired())
  check<Equal<typeof timed, boolean>>()
  const moved = await moveOnAfter(10, async () => 1)
  check<Equal<typeof moved, ScopeResult<number>>>()
  if (moved.cancelled) check<Equal<typeof moved.reason, unknown>>()
  else check<Equal<typeof moved.value, number>>()
  const scoped = await cancelScope(async () => 'x')
  check<Equal<typeof scoped, ScopeResult<string>>>()
  if (!scoped.cancelled) check<Equal<typeof scoped.value, string>>()
  else check<Equal<typeof scoped.reason, unknown>>()
  const grouped = await taskGroup(async (group) => group.createTask(async () => 1))
  check<Equal<typeof grouped, number>>()
  // A group that `group.cancel()` may end early has the type `undefined` among its results, as its docstring says.
  const cuttable = await taskGroup<number | undefined>(async (group) => {
    group.cancel()
    return 1
  })
  check<Equal<typeof cuttable, number | undefined>>()
  const shielded = shield(async () => 1)
  check<Equal<typeof shielded, Future<number>>>()
  const ensured = ensureFuture(Promise.resolve('x'))
  check<Equal<typeof ensured, Future<string>>>()
  const { done } = await wait([task])
  check<Equal<typeof done, Set<Task<number>>>>()
  const maybe = await gather([async () => 1], { returnExceptions: Math.random() > 0.5 })
  check<Equal<typeof maybe, [number | Error]>>()
  const without = await gather([async () => 1], { returnExceptions: false })
  check<Equal<typeof without, [number]>>()
  for await (const n of asCompleted([async () => 1])) check<Equal<typeof n, number>>()
  const mixed = [createTask(async () => 1), createTask(async () => 'x')]
  for await (const either of asCompleted(mixed)) check<Equal<typeof either, number | string>>()
  for (const next of asCompleted([createTask(async () => 1), createTask(async () => 'x')])) {
    check<Equal<typeof next, Future<number | string>>>()
  }
  const promise: Promise<number> = task
  const caught = await promise.catch((error: Error) => error.message)
  check<Equal<typeof caught, number | string>>()
  const rescued = task.catch((error: Error) => error.message)
  check<Equal<typeof rescued, Promise<number | string>>>()
  const ran = run(async () => 1)
  check<Equal<typeof ran, Promise<number>>>()
}
void results

// @ts-expect-error -- a number cannot be awaited
void gather([1])
// @ts-expect-error -- a function that returns neither a promise nor a generator
void createTask(() => 1)
// @ts-expect-error -- a promise is not a coroutine, because its code runs already
void createTask(Promise.resolve(1))
// @ts-expect-error -- milliseconds are a number
void sleep('1')
// @ts-expect-error -- an unknown mode
void wait([new Future()], { returnWhen: 'SOME' })
// @ts-expect-error -- the arguments of a coroutine are checked
void coroutine(async (n: number) => n)('x')
// @ts-expect-error -- a future of a string takes no number
new Future<string>().setResult(1)
