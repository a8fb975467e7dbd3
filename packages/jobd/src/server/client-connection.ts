import { createTask, currentTask, getEventLoop, type Task } from '@tasktree/core'
import { OSError, type StreamReader, type StreamWriter } from '@tasktree/streams'
import { CommandParser, type Word } from '../protocol/command-parser.ts'
import { type Directory, execute, initialName, overlaps, type Session } from './commands.ts'
import type { JobFeed } from '../store/job-feed.ts'
import { PushedWaits } from './pushed-waits.ts'
import { encode, ProtocolError, type Reply } from '../protocol/resp.ts'

/**
 * Replies are collected up to this many characters. After that the client must read them before its next command is
 * handled.
 */
const batch = 65_536

/** How many commands of one client may run at the same time, and how many characters their arguments may have. */
const mostUnderWay = 1_000
const mostCharacters = 1_048_576
/** While this many bytes wait for a client, messages that do not answer a command are held back. */
const mostPushed = 1_048_576

/**
 * The connection of one client. It carries out the commands of the client, and sends the replies in the order of the
 * commands.
 */
export class Connection {
  readonly #reader: StreamReader
  readonly #writer: StreamWriter
  readonly #directory: Directory
  readonly #feed: JobFeed
  readonly #session: Session
  readonly #parser = new CommandParser()
  readonly #loop = getEventLoop()
  readonly #task: Task | null = currentTask()
  #out = ''
  #underWay: Promise<Reply>[] = []
  #following: Task<void> | null = null
  /** Whether a task was made that will send the messages that wait in `#out`. */
  #isPushing = false
  /**
   * Since when the rest of a command or the secret is missing, and since when the client does not read its replies;
   * null if nothing is missing, or if the client reads. These are times of the event loop's clock.
   */
  #midwaySince: number | null = null
  #stalledSince: number | null = null
  /** Since when it is known that the client will send no more commands, while a command runs. */
  #endedSince: number | null = null
  #charactersUnderWay = 0

  constructor(reader: StreamReader, writer: StreamWriter, directory: Directory, feed: JobFeed) {
    this.#reader = reader
    this.#writer = writer
    this.#directory = directory
    this.#feed = feed
    this.#session = {
      version: 2,
      closing: false,
      who: initialName(directory),
      address: addressOf(writer),
      isSubscribed: false,
      waits: new PushedWaits({
        push: (message) => this.#push(message),
        hasRoom: () => this.#out.length + writer.transport.getWriteBufferSize() < mostPushed,
        room: () => this.#room(),
      }),
    }
    // A client that has not given the password yet has only a limited time for it.
    if (this.#session.who === null) this.#midwaySince = this.#loop.time()
  }

  /** Serves the client until it closes the connection, sends bytes that are not RESP, or has gone. */
  async serve(): Promise<void> {
    try {
      while (!this.#session.closing && (await this.#serveChunk())) continue
    } catch (error) {
      if (error instanceof ProtocolError) {
        await this.#answerUnderWay()
        this.#put(new Error(`ERR Protocol error: ${error.message}`))
        this.#flush()
        // An OSError means that the client has gone, which is not a failure of the server.
      } else if (!(error instanceof OSError)) throw error
    } finally {
      this.#following?.cancel()
      this.#session.waits?.[Symbol.dispose]()
    }
    this.#writer.close()
  }

  /**
   * Ends the connection if the client has not sent the rest of a command, or its secret, for `midway` milliseconds, or has
   * not read its replies for `stalled` milliseconds. Also ends it if the client has gone, or has sent its last byte `midway`
   * milliseconds ago, although a command still runs.
   */
  checkPatience(midway: number, stalled: number): void {
    const now = this.#loop.time()
    const isSlow = this.#midwaySince !== null && now - this.#midwaySince > midway
    if (this.#reader.atEof()) this.#endedSince ??= now
    const isLate = this.#endedSince !== null && now - this.#endedSince > midway
    const isStalled = this.#stalledSince !== null && now - this.#stalledSince > stalled
    // A client that has gone will not read the reply of its running command, so the command is cancelled too.
    if (!isSlow && !isLate && !isStalled && !this.#writer.isClosing()) return
    this.#writer.abort()
    this.#task?.cancel()
  }

  /**
   * Carries out the commands that have arrived, then waits for the next bytes. Returns false if the connection has
   * ended.
   */
  async #serveChunk(): Promise<boolean> {
    for (;;) {
      this.#parser.isKnown = this.#session.who !== null
      const words = this.#parser.next()
      if (words === null) break
      if (this.#session.who !== null) this.#midwaySince = null
      const reply = this.#begin(words)
      if (reply instanceof Promise) await reply
      if (this.#session.closing) break
    }
    if (this.#underWay.length > 0) await this.#answerUnderWay()
    await this.#send()
    if (this.#session.closing) return false
    const isWaiting = this.#parser.isMidway || this.#session.who === null
    this.#midwaySince = isWaiting ? (this.#midwaySince ?? this.#loop.time()) : null
    const chunk = await this.#reader.read(batch)
    this.#parser.feed(chunk)
    return chunk.length > 0
  }

  /** Begins a command. If it returns a promise, the caller must wait for it before the next command. */
  #begin(words: readonly Word[]): Promise<void> | undefined {
    if (overlaps(words) && this.#session.who !== null) {
      const reply = execute(words, this.#directory, this.#session)
      this.#underWay.push(Promise.resolve(reply))
      for (const word of words) this.#charactersUnderWay += word.length
      const isRoom =
        this.#underWay.length < mostUnderWay && this.#charactersUnderWay < mostCharacters
      return isRoom ? undefined : this.#answerUnderWay()
    }
    if (this.#underWay.length > 0) return this.#beginAfter(words)
    const reply = execute(words, this.#directory, this.#session)
    if (reply instanceof Promise) return this.#answer(reply)
    this.#put(reply)
    this.#followIfSubscribed()
    return this.#out.length > batch ? this.#send() : undefined
  }

  async #beginAfter(words: readonly Word[]): Promise<void> {
    await this.#answerUnderWay()
    await this.#begin(words)
  }

  async #answer(reply: Promise<Reply>): Promise<void> {
    await this.#send()
    this.#put(await reply)
  }

  async #answerUnderWay(): Promise<void> {
    this.#flush()
    const replies = await Promise.all(this.#underWay)
    this.#underWay = []
    this.#charactersUnderWay = 0
    for (const reply of replies) this.#put(reply)
    await this.#send()
  }

  #put(reply: Reply): void {
    this.#out += encode(reply, this.#session.version)
  }

  #flush(): void {
    if (this.#out === '') return
    // If the client has gone, nothing is written. In that case the following `drain` throws an error.
    if (!this.#writer.isClosing()) this.#writer.write(Buffer.from(this.#out, 'latin1'))
    this.#out = ''
  }

  /** Sends the collected replies, and waits until the client has read enough of them. */
  async #send(): Promise<void> {
    if (this.#out === '') return
    this.#flush()
    await this.#drain()
  }

  async #drain(): Promise<void> {
    this.#stalledSince ??= this.#loop.time()
    await this.#writer.drain()
    this.#stalledSince = null
  }

  /**
   * Waits until the client has read all messages. Also returns when the client has gone, because `serve` ends the waits
   * of such a client.
   */
  async #room(): Promise<void> {
    this.#flush()
    try {
      await this.#drain()
    } catch (error) {
      if (!(error instanceof OSError)) throw error
    }
  }

  /**
   * Sends a message that does not answer a command. Several messages in one turn of the loop are sent together. The
   * messages are not waited for: a client that does not read them is disconnected by `checkPatience`.
   */
  #push(push: Reply[]): void {
    this.#put({ push })
    if (this.#isPushing) return
    this.#isPushing = true
    createTask(async () => {
      this.#isPushing = false
      try {
        await this.#send()
      } catch (error) {
        if (!(error instanceof OSError)) throw error
      }
    })
  }

  #followIfSubscribed(): void {
    if (this.#session.isSubscribed === (this.#following !== null)) return
    if (this.#following === null) {
      const jobs = this.#feed.subscribeStates()
      this.#following = createTask(() => this.#follow(jobs))
    } else {
      this.#following.cancel()
      this.#following = null
    }
  }

  /** Sends a message for every new state of a job. A client that reads slowly does not get the oldest messages. */
  async #follow(jobs: ReturnType<JobFeed['subscribeStates']>): Promise<void> {
    using _ = jobs
    try {
      for await (const job of jobs) {
        this.#put({ push: ['message', 'jobs', JSON.stringify(job)] })
        await this.#send()
      }
    } catch (error) {
      if (!(error instanceof OSError)) throw error
    }
  }
}

function addressOf(writer: StreamWriter): string {
  const name: unknown = writer.getExtraInfo('peername')
  return Array.isArray(name) ? String(name[0]) : 'unknown'
}
