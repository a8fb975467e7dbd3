import { race, sleep } from '@tasktree/core'
import type { WebSocket } from 'ws'
import { Failure } from './failure.ts'
import { connect, Session } from './session.ts'
import { checkSignal, checkTarget, holderOf, listeningPorts, signalPort } from './target.ts'

/**
 * Opens the inspector of a running process, and leaves the process as it was found.
 *
 * SIGUSR1 makes Node open its inspector on port 9229. That port can be taken: by a stranger, or by another process that was
 * signalled at the same time, because then nothing opens. So the signal is repeated, the port is looked for among the
 * sockets of that very process, and once attached the inspector moves to a free port, which lets others have 9229.
 *
 * An inspector that was open before, by --inspect or by a debugger, is used as it is and stays open.
 */

/** Milliseconds until the inspector must have opened, and between two signals. */
const patience = 4_000
const signalPause = 400

const inspector = "process.getBuiltinModule('node:inspector')"
const move = `(() => { const i = ${inspector}; i.close(); i.open(0, '127.0.0.1') })()`
/** In a busy loop a plain close is undone when the loop ends; the second one comes after it. */
const shut = `(() => { const i = ${inspector}; setImmediate(() => i.close()); i.close() })()`

/** A thread of the process. */
export interface Thread {
  /** 'main', or the title of the worker. */
  readonly name: string
  readonly session: Session
}

export class Attached implements AsyncDisposable {
  readonly pid: number
  readonly threads: Thread[] = []
  readonly #socket: WebSocket
  readonly #wasOpen: boolean

  constructor(pid: number, main: Session, socket: WebSocket, wasOpen: boolean) {
    this.pid = pid
    this.#socket = socket
    this.#wasOpen = wasOpen
    this.threads.push({ name: 'main', session: main })
  }

  get main(): Session {
    return (this.threads[0] as Thread).session
  }

  /** Worker threads have an inspector of their own, behind that of the main thread. */
  async findWorkers(): Promise<void> {
    const { main } = this
    const workers = new Map<string, Session>()
    main.on('NodeWorker.attachedToWorker', ({ sessionId, workerInfo }) => {
      const id = String(sessionId)
      const { title } = workerInfo as { title: string }
      const session = new Session(this.pid, (message) => {
        main.call('NodeWorker.sendMessageToWorker', { sessionId: id, message }).catch(() => {
          session.close()
        })
      })
      workers.set(id, session)
      this.threads.push({ name: title, session })
    })
    main.on('NodeWorker.receivedMessageFromWorker', ({ sessionId, message }) => {
      workers.get(String(sessionId))?.receive(String(message))
    })
    main.on('NodeWorker.detachedFromWorker', ({ sessionId }) => {
      workers.get(String(sessionId))?.close()
    })
    await main.call('NodeWorker.enable', { waitForDebuggerOnStart: false })
  }

  /** Closes the inspector that was opened for this connection, and disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve())
    })
    if (this.main.isClosed) return
    if (this.#wasOpen) {
      // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- the session's promise knows no cancels
      await this.main.call('NodeWorker.disable').catch(() => {})
      this.#socket.close()
    } else this.main.evaluate(shut).catch(() => {})
    await before(closed, 1_000)
    this.#socket.terminate()
  }
}

/** Waits for `work`, for at most `ms` milliseconds. */
async function before(work: Promise<unknown>, ms: number): Promise<void> {
  await race([work, sleep(ms)])
}

/** @throws {Failure} when the process cannot be attached to */
export async function attach(pid: number): Promise<Attached> {
  checkTarget(pid)
  const open = await findInspector(pid)
  if (open !== null) {
    const { session, socket } = await connect(pid, open)
    return new Attached(pid, session, socket, true)
  }
  const first = await connect(pid, await openInspector(pid))
  // The connection ends by this, and so the answer may be lost.
  await before(
    // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- the session's promise knows no cancels
    first.session.evaluate(move).catch(() => {}),
    1_000,
  )
  first.socket.terminate()
  const { session, socket } = await connect(pid, await waitForInspector(pid, patience))
  return new Attached(pid, session, socket, false)
}

async function openInspector(pid: number): Promise<string> {
  const end = performance.now() + patience
  do {
    checkTarget(pid)
    checkSignal(pid)
    try {
      process.kill(pid, 'SIGUSR1')
    } catch (error) {
      throw new Failure(`process ${pid} cannot be signalled: ${(error as Error).message}`)
    }
    const url = await waitFor(pid, signalPause)
    if (url !== null) return url
  } while (performance.now() < end)
  const port = signalPort(pid)
  const holder = port === 0 ? null : holderOf(port)
  throw new Failure(
    holder === null
      ? `process ${pid} did not open its inspector: it may be inside a synchronous call such as execSync, or may not be allowed to (--permission). Its port may still open later`
      : `port ${port} is taken by ${holder}, so process ${pid} cannot open its inspector. Start it with --inspect-port=0`,
  )
}

async function waitForInspector(pid: number, ms: number): Promise<string> {
  const url = await waitFor(pid, ms)
  if (url === null) throw new Failure(`the inspector of process ${pid} did not open again`)
  return url
}

async function waitFor(pid: number, ms: number): Promise<string | null> {
  const end = performance.now() + ms
  do {
    const url = await findInspector(pid)
    if (url !== null) return url
    await sleep(10)
  } while (performance.now() < end)
  checkTarget(pid)
  return null
}

/** The address of an inspector of this process that is open; null when there is none. */
async function findInspector(pid: number): Promise<string | null> {
  for (const port of listeningPorts(pid)) {
    const url = await probe(port)
    if (url !== null) return url
  }
  return null
}

/** Whether it is an inspector that listens on `port`. Any other server is left alone after one short request. */
async function probe(port: number): Promise<string | null> {
  for (const host of ['127.0.0.1', '[::1]']) {
    try {
      const response = await fetch(`http://${host}:${port}/json/list`, {
        signal: AbortSignal.timeout(1_000),
      })
      const list = (await response.json()) as { webSocketDebuggerUrl?: string; type?: string }[]
      const url = Array.isArray(list) ? list[0]?.webSocketDebuggerUrl : undefined
      if (url !== undefined) return url
      // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- fetch knows no cancels
    } catch {
      // No inspector.
    }
  }
  return null
}
