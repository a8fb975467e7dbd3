import {
  type CancelScope,
  cancelScope,
  checkpoint,
  currentScope,
  effectiveDeadline,
  type EventLoop,
  failAfter,
  moveOnAfter,
  shielded,
  taskGroup,
  type TaskGroup,
  ExceptionGroup,
  getRunningLoop,
  isCancelled,
  RuntimeError,
  sleep,
  TimeoutError,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Event } from '@tasktree/sync'
import type { Action, ScopeKind, ScopeProgram, Statement, Traces } from './program.ts'

/** The number of events that a program may name. `trio/oracle.py` has the same number. */
const eventCount = 3
/** The time at which all events are set, so that no task waits for ever. `trio/oracle.py` has the same time. */
const latest = 100_000

class ProgramError extends Error {}

function show(error: unknown): string {
  if (isCancelled(error)) return 'CancelledError'
  if (error instanceof ExceptionGroup) {
    return `group(${error.errors.map(show).toSorted().join(',')})`
  }
  if (error instanceof TimeoutError) return 'TimeoutError'
  if (error instanceof ProgramError) return error.message
  return String(error)
}

class TaskState {
  readonly path: string
  #children = 0

  constructor(path: string) {
    this.path = path
  }

  child(): TaskState {
    this.#children++
    return new TaskState(`${this.path}.${this.#children}`)
  }
}

interface Place {
  readonly state: TaskState
  /** The error that the innermost handler has caught, or null outside of a handler. */
  readonly handling: { error: unknown } | null
}

/** Runs a program of scopes with Tasktree. `trio/oracle.py` runs the same programs with Trio. */
class Interpreter {
  readonly traces: Traces = {}
  readonly #loop: EventLoop = getRunningLoop()
  readonly #events = Array.from({ length: eventCount }, () => new Event())
  readonly #scopes = new Map<number, CancelScope>()
  readonly #groups = new Map<number, TaskGroup>()

  async main(body: readonly Statement[]): Promise<void> {
    this.#loop.setExceptionHandler(() => {})
    this.#loop.callLater(latest, () => {
      for (const event of this.#events) event.set()
    })
    await this.#task(new TaskState('main'), body)
  }

  #trace({ path }: TaskState, text: string): void {
    ;(this.traces[path] ??= []).push(`${Math.round(this.#loop.time())} ${text}`)
  }

  async #task(state: TaskState, body: readonly Statement[]): Promise<void> {
    this.#trace(state, 'start')
    try {
      await this.#block(body, { state, handling: null })
    } catch (error) {
      this.#trace(state, `raise ${show(error)}`)
      throw error
    }
    this.#trace(state, 'return')
  }

  async #block(block: readonly Statement[], place: Place): Promise<void> {
    for (const statement of block) await this.#statement(statement, place)
  }

  async #statement(statement: Statement, place: Place): Promise<void> {
    const { state } = place
    switch (statement[0]) {
      case 'sleep':
        await sleep(statement[1])
        this.#trace(state, 'slept')
        return undefined
      case 'checkpoint':
        await checkpoint()
        this.#trace(state, 'checkpoint')
        return undefined
      case 'wait': {
        const event = this.#event(statement[1])
        const label = `event ${statement[1]}`
        if (event.isSet()) {
          this.#trace(state, `${label} was set`)
        } else {
          await event.wait()
          this.#trace(state, label)
        }
        return undefined
      }
      case 'scope':
        return this.#scope(statement, place)
      case 'group':
        return this.#group(statement[1], statement[2], place)
      case 'try':
        return this.#try(statement, place)
      case 'repeat':
        for (let i = 0; i < statement[1]; i++) await this.#block(statement[2], place)
        return undefined
      case 'spawn':
        this.#spawn(statement[1], statement[2], state)
        return undefined
      case 'set':
      case 'cancel':
      case 'probe':
      case 'shield':
      case 'deadline':
      case 'effective':
      case 'cancelGroup':
      case 'raise':
      case 'reraise':
      default:
        this.#act(statement, place)
        return undefined
    }
  }

  /** Runs a statement that does not wait. */
  #act(statement: Action, { state, handling }: Place): void {
    switch (statement[0]) {
      case 'set':
        this.#event(statement[1]).set()
        break
      case 'cancel':
        this.#scopes.get(statement[1])?.cancel()
        break
      case 'shield': {
        const scope = this.#scopes.get(statement[1])
        if (scope !== undefined) scope.shield = statement[2]
        break
      }
      case 'deadline': {
        const scope = this.#scopes.get(statement[1])
        if (scope === undefined || scope.cancelCalled) break
        scope.deadline = statement[2] === null ? Infinity : this.#loop.time() + statement[2]
        break
      }
      case 'probe': {
        const scope = this.#scopes.get(statement[1])
        if (scope !== undefined) this.#trace(state, `probe ${statement[1]} ${scope.cancelCalled}`)
        break
      }
      case 'effective': {
        const deadline = effectiveDeadline()
        if (deadline === -Infinity) break
        this.#trace(state, `deadline ${deadline === Infinity ? 'none' : Math.round(deadline)}`)
        break
      }
      case 'cancelGroup':
        this.#groups.get(statement[1])?.cancel()
        break
      case 'raise':
        throw new ProgramError(statement[1])
      case 'reraise':
      default:
        // oxlint-disable-next-line typescript/only-throw-error -- throws again what was caught, of any type
        if (handling !== null) throw handling.error
    }
  }

  #event(slot: number): Event {
    return this.#events[slot] as Event
  }

  async #scope(
    [, slot, kind, ms, shield, block]: Extract<Statement, ['scope', ...unknown[]]>,
    place: Place,
  ): Promise<void> {
    let own: CancelScope | null = null
    const body = async (handed?: CancelScope): Promise<void> => {
      // `shielded` gives the program no scope that it can cancel.
      own = kind === 'shielded' ? null : (handed ?? currentScope())
      if (own !== null) this.#scopes.set(slot, own)
      await this.#block(block, place)
    }
    let cancelled: boolean
    try {
      cancelled = await openScope(kind, ms, shield, body)
    } catch (error) {
      this.#trace(place.state, `scope ${slot} raises ${show(error)}`)
      throw error
    } finally {
      if (own !== null && this.#scopes.get(slot) === own) this.#scopes.delete(slot)
    }
    this.#trace(place.state, `scope ${slot} ${cancelled ? 'cancelled' : 'ends'}`)
  }

  async #group(slot: number, block: readonly Statement[], place: Place): Promise<void> {
    let own: TaskGroup | null = null
    try {
      await taskGroup(async (group) => {
        own = group
        this.#groups.set(slot, group)
        await this.#block(block, place)
        // In Trio the end of a nursery is a checkpoint. In Tasktree the end of a group is not, so this adds one.
        await checkpoint()
        this.#trace(place.state, `group ${slot} waits`)
      })
    } catch (error) {
      this.#trace(place.state, `group ${slot} raises ${show(error)}`)
      throw error
    } finally {
      if (own !== null && this.#groups.get(slot) === own) this.#groups.delete(slot)
    }
    this.#trace(place.state, `group ${slot} ends`)
  }

  #spawn(slot: number, block: readonly Statement[], parent: TaskState): void {
    const group = this.#groups.get(slot)
    if (group === undefined) return
    let state: TaskState | null = null
    try {
      group.createTask(() => this.#task(state as TaskState, block))
    } catch (error) {
      // The group has ended, and so it refused the task. `trio/oracle.py` checks that before it starts a task.
      if (!(error instanceof RuntimeError)) throw error
      return
    }
    state = parent.child()
  }

  async #try(
    [, body, catches, handler, final]: Extract<Statement, ['try', ...unknown[]]>,
    place: Place,
  ): Promise<void> {
    try {
      try {
        await this.#block(body, place)
      } catch (error) {
        const caught =
          catches === 'all' || (catches !== null && (catches === 'cancel') === isCancelled(error))
        if (!caught) throw error
        this.#trace(place.state, `caught ${show(error)}`)
        await this.#block(handler, { ...place, handling: { error } })
      }
    } finally {
      if (final !== null) {
        this.#trace(place.state, 'finally')
        await this.#block(final, place)
      }
    }
  }
}

/** Runs `body` in a new scope, and resolves with whether the scope's own cancel ended the body. */
async function openScope(
  kind: ScopeKind,
  ms: number | null,
  shield: boolean,
  body: (handed?: CancelScope) => Promise<void>,
): Promise<boolean> {
  switch (kind) {
    case 'cancelScope': {
      const options = { shield, ...(ms === null ? {} : { timeout: ms }) }
      return (await cancelScope(body, options)).cancelled
    }
    case 'moveOnAfter':
      return (await moveOnAfter(ms ?? Infinity, body)).cancelled
    case 'failAfter':
      await failAfter(ms ?? Infinity, body)
      return false
    case 'shielded':
    default:
      await shielded(() => body())
      return false
  }
}

/** Runs the program under Tasktree and returns the traces of its tasks. */
export async function traceProgram({ body }: Pick<ScopeProgram, 'body'>): Promise<Traces> {
  let interpreter: Interpreter | null = null
  try {
    await runVirtual(() => {
      interpreter = new Interpreter()
      return interpreter.main(body)
    })
  } catch {
    // The trace of the main task holds the error.
  }
  return (interpreter as Interpreter | null)?.traces ?? {}
}
