import { race, shielded, sleep } from '@tasktree/core'
import type { WebSocket } from 'ws'
import { Failure } from './failure.ts'
import { connect, Session } from './session.ts'
import { checkSignal, checkTarget, holderOf, listeningPorts, signalPort } from './target.ts'

/**
 * Opens the inspector of a running process, and leaves the process as it was found.
 *
 * SIGUSR1 makes Node open its inspector on port 9229. If another program has that port, for example a Node process that
 * has received the signal at the same time, Node opens nothing. So `attach` repeats the signal. It looks for the inspector
 * only on ports of the process itself, because another process may have opened 9229. Once connected, `attach` moves the
 * inspector to a free port, so that other processes can use 9229.
 *
 * If the inspector was open before, by --inspect or by a debugger, `attach` uses it as it is and leaves it open.
 */

/** The milliseconds that the inspector may take to open. */
const patience = 4_000
/** The milliseconds between two signals. */
const signalPause = 400

const inspector = "process.getBuiltinModule('node:inspector')"
const move = `(() => { const i = ${inspector}; i.close(); i.open(0, '127.0.0.1') })()`
/**
 * Closes the inspector twice. If the program is in a busy loop, Node has not yet handled the last SIGUSR1, and opens the
 * inspector again when the busy loop ends. The close in `setImmediate` runs after that.
 */
const shut = `(() => { const i = ${inspector}; setImmediate(() => i.close()); i.close() })()`

/** A thread of the process. */
export interface Thread {
  /** 'main', or the title of the worker thread. */
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

  /**
   * Opens a session to each worker thread. A worker thread has its own inspector. The messages to and from this inspector
   * go through the inspector of the main thread.
   */
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

  /** Disconnects. Closes the inspector too, unless it was open before `attach` was called. */
  [Symbol.asyncDispose](): Promise<void> {
    // A cancel must not end this wait. Otherwise the inspector could stay open.
    return shielded(() => this.#close())
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve())
    })
    if (this.main.isClosed) return
    if (this.#wasOpen) {
      // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- a cancel never rejects the promise of the session
      await this.main.call('NodeWorker.disable').catch(() => {})
      this.#socket.close()
    } else this.main.evaluate(shut).catch(() => {})
    await before(closed, 1_000)
    this.#socket.terminate()
  }
}

/** Waits until `work` is done, or until `ms` milliseconds have passed. */
async function before(work: Promise<unknown>, ms: number): Promise<void> {
  await race([work, sleep(ms)])
}

/** Connects to the inspector of a process, and opens the inspector if necessary. @throws {Failure} when this fails */
export async function attach(pid: number): Promise<Attached> {
  checkTarget(pid)
  const known = listeningPorts(pid)
  const open = await findInspector(known)
  if (open !== null) {
    const { session, socket } = await connect(pid, open)
    return new Attached(pid, session, socket, true)
  }
  // A cancel takes effect only after this call. Otherwise the inspector that the signal opens would stay open, because only
  // a session can close it.
  return shielded(() => openAndAttach(pid, known))
}

async function openAndAttach(pid: number, known: readonly number[]): Promise<Attached> {
  const first = await connect(pid, await openInspector(pid, known))
  // When the inspector moves to another port, it ends this connection, so the answer may be lost.
  await before(
    // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- a cancel never rejects the promise of the session
    first.session.evaluate(move).catch(() => {}),
    1_000,
  )
  first.socket.terminate()
  const { session, socket } = await connect(pid, await waitForInspector(pid, known, patience))
  return new Attached(pid, session, socket, false)
}

async function openInspector(pid: number, known: readonly number[]): Promise<string> {
  const end = performance.now() + patience
  do {
    checkTarget(pid)
    checkSignal(pid)
    try {
      process.kill(pid, 'SIGUSR1')
    } catch (error) {
      throw new Failure(`process ${pid} cannot be signalled: ${(error as Error).message}`)
    }
    const url = await waitFor(pid, known, signalPause)
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

async function waitForInspector(
  pid: number,
  known: readonly number[],
  ms: number,
): Promise<string> {
  const url = await waitFor(pid, known, ms)
  if (url === null) throw new Failure(`the inspector of process ${pid} did not open again`)
  return url
}

/**
 * Waits until the inspector listens on a port. The ports in `known` are skipped, because the process uses them for something
 * else. Returns the address of the inspector; null when `ms` milliseconds have passed.
 */
async function waitFor(pid: number, known: readonly number[], ms: number): Promise<string | null> {
  const end = performance.now() + ms
  do {
    const url = await findInspector(listeningPorts(pid).filter((port) => !known.includes(port)))
    if (url !== null) return url
    await sleep(10)
  } while (performance.now() < end)
  checkTarget(pid)
  return null
}

/** Returns the address of the inspector that listens on one of `ports`; null when there is none. */
async function findInspector(ports: readonly number[]): Promise<string | null> {
  for (const port of ports) {
    const url = await probe(port)
    if (url !== null) return url
  }
  return null
}

/**
 * Returns the address of the inspector that listens on `port`; null when another server listens there. The other server gets
 * at most two short requests, one for each host. It may be a server for the debuggers of another program, such as a browser.
 * Then the entries of its list have another type, or their addresses have another port.
 */
async function probe(port: number): Promise<string | null> {
  for (const host of ['127.0.0.1', '[::1]']) {
    try {
      const response = await fetch(`http://${host}:${port}/json/list`, {
        signal: AbortSignal.timeout(1_000),
      })
      const [{ type, webSocketDebuggerUrl: url }] = (await response.json()) as [
        { type?: unknown; webSocketDebuggerUrl: string },
      ]
      if (type === 'node' && new URL(url).host === `${host}:${port}`) return url
      // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- a cancel never rejects the promise of `fetch`
    } catch {
      // No inspector answers at this host: it refused the connection, did not answer in time, or another kind of server
      // has answered.
    }
  }
  return null
}
