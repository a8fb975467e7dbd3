import { type ActorRef, type ActorSystem, ReplyError } from '@tasktree/actor'
import { getEventLoop, isCancelled } from '@tasktree/core'
import { CommandError } from './arguments.ts'
import { type Credentials, defaultName } from './credentials.ts'
import type { Word } from '../protocol/command-parser.ts'
import { jobCommands, parseWait } from './job-commands.ts'
import { kindCommands } from './kind-commands.ts'
import { KindError, type KindTable, type Reloaded } from '../jobs/kind-table.ts'
import { ScheduleError } from '../scheduling/cron.ts'
import type { Schedules } from '../scheduling/schedules.ts'
import type { Metrics } from '../scheduling/metrics.ts'
import { isPassing } from './passing-errors.ts'
import type { PushedWaits } from './pushed-waits.ts'
import type { Reply } from '../protocol/resp.ts'
import { QueueFull } from '../scheduling/queue-full.ts'
import type { Scheduler } from '../scheduling/scheduler.ts'
import type { Store } from '../store/store.ts'
import { packageVersion } from '../version.ts'

/** The state of a connection that commands read and change. */
export interface Session {
  version: 2 | 3
  closing: boolean
  /**
   * The name of the user, which belongs to the secret that the client gave; null if the client must still give a
   * secret.
   */
  who: string | null
  /** The address of the client, for the audit and for the delays of logins. */
  address: string
  /** Whether the client gets a message for every new state of a job. */
  isSubscribed: boolean
  /** The waits that are answered by messages; null if there is no connection that can carry messages. */
  readonly waits: PushedWaits | null
}

/** The parts of the server that commands use. Each property returns the current incarnation of its part. */
export interface Directory {
  readonly system: ActorSystem
  readonly store: ActorRef<Store>
  readonly scheduler: ActorRef<Scheduler>
  readonly metrics: ActorRef<Metrics>
  readonly schedules: ActorRef<Schedules>
  readonly kinds: KindTable
  /** Reloads the user's kinds, and starts new pools for them. */
  readonly reload: () => Promise<Reloaded>
  readonly credentials: Credentials
  /** Writes to the audit that a user has done something that changes the server for other users. */
  readonly audit: (who: string, action: string) => void
  /** The absolute path of the jobs' file. */
  readonly file: string
}

/** The name of every client if there are no secrets. */
export const anonymous = 'anonymous'

/** Returns the name of a client that has sent nothing yet; null if it must give a secret first. */
export function initialName({ credentials }: Pick<Directory, 'credentials'>): string | null {
  return credentials.isEmpty ? anonymous : null
}

export interface Command {
  /** How many arguments the command takes, at least and at most. */
  readonly least: number
  readonly most: number
  /** Whether the command may begin although earlier overlapping commands of the client are not answered yet. */
  readonly overlaps?: boolean
  /** Whether a client may use the command before it has given a secret. */
  readonly isOpen?: boolean
  /** Whether a successful command is written to the audit. */
  readonly isAudited?: boolean
  readonly run: (
    words: readonly string[],
    directory: Directory,
    session: Session,
  ) => PromiseLike<Reply> | Reply
}

const ok: Reply = { simple: 'OK' }

const channel = 'jobs'

/** The commands that a RESP2 connection may send while it is subscribed. */
const allowedSubscribed: ReadonlySet<string> = new Set(
  'SUBSCRIBE UNSUBSCRIBE PING QUIT RESET'.split(' '),
)

const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    PING: { least: 0, most: 1, run: ping },
    ECHO: { least: 1, most: 1, run: ([text = '']) => text },
    SELECT: { least: 1, most: 1, run: select },
    CLIENT: { least: 1, most: Infinity, run: client },
    COMMAND: {
      least: 0,
      most: Infinity,
      run: ([sub]): Reply => (sub?.toUpperCase() === 'COUNT' ? commands.size : []),
    },
    CONFIG: { least: 1, most: Infinity, run: () => new Map() },
    INFO: { least: 0, most: Infinity, run: info },
    HELLO: { least: 0, most: 7, isOpen: true, run: hello },
    AUTH: { least: 1, most: 2, isOpen: true, run: auth },
    QUIT: { least: 0, most: Infinity, isOpen: true, run: quit },
    // A page of another site can make a browser send an HTTP request to this port. Lines of such a request begin with
    // these words, so the server ends the connection.
    POST: { least: 0, most: Infinity, isOpen: true, run: hangUp },
    'HOST:': { least: 0, most: Infinity, isOpen: true, run: hangUp },
    RESET: { least: 0, most: 0, isOpen: true, run: reset },
    SUBSCRIBE: { least: 1, most: 100, run: subscribe },
    UNSUBSCRIBE: { least: 0, most: 100, run: unsubscribe },
    TREE: { least: 0, most: 0, run: (_, { system }) => system.tree() },
    'ACTOR.KILL': { least: 1, most: 1, isAudited: true, run: killActor },
    ...jobCommands,
    'JOB.WAIT': { least: 1, most: 5, run: wait },
    'JOB.UNWAIT': {
      least: 1,
      most: 1,
      run: ([ticket = ''], _, { waits }) => Number(waits?.end(ticket) ?? false),
    },
    ...kindCommands,
  } satisfies Record<string, Command>),
)

/** Whether a command may begin before the commands that the client sent earlier are answered. */
export function overlaps([name]: readonly Word[]): boolean {
  return typeof name === 'string' && findCommand(name)?.overlaps === true
}

function findCommand(name: string): Command | undefined {
  return commands.get(name) ?? commands.get(name.toUpperCase())
}

/**
 * Carries out a command. If the client has made a mistake, or a part of the tree is being restarted, the reply is an
 * Error. A failure of the server itself is also reported to the loop's exception handler.
 */
export function execute(
  words: readonly Word[],
  directory: Directory,
  session: Session,
): Promise<Reply> | Reply {
  const name = String(words[0])
  const command = findCommand(name)
  if (session.who === null && command?.isOpen !== true) return noAuth
  if (command === undefined) return unknownCommand(words)
  const given = words.length - 1
  if (given < command.least || given > command.most)
    return new Error(`ERR wrong number of arguments for '${name.toLowerCase()}' command`)
  if (session.isSubscribed && session.version === 2 && !allowedSubscribed.has(name.toUpperCase()))
    return new Error(
      `ERR Can't execute '${name.toLowerCase()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
    )
  const [, first] = words
  // Only PING and ECHO return their argument, so only they accept bytes that are not UTF-8.
  if (given === 1 && Buffer.isBuffer(first) && /^(ping|echo)$/i.test(name)) return first
  const texts = words.slice(1)
  if (!texts.every((word) => typeof word === 'string'))
    return new Error('ERR the arguments must be UTF-8')
  try {
    const reply = command.run(texts, directory, session)
    if (command.isAudited === true) return settleAudited(reply, texts, name, directory, session)
    return isPromiseLike(reply) ? settle(reply) : reply
  } catch (error) {
    return toReply(error)
  }
}

async function settle(reply: PromiseLike<Reply>): Promise<Reply> {
  try {
    return await reply
  } catch (error) {
    return toReply(error)
  }
}

/**
 * Waits for the reply, and writes the command to the audit. A refused command has changed nothing, and is not written.
 */
async function settleAudited(
  reply: PromiseLike<Reply> | Reply,
  words: readonly string[],
  name: string,
  { audit }: Directory,
  { who, address }: Session,
): Promise<Reply> {
  const answer = await settle(Promise.resolve(reply))
  const action = [name.toUpperCase(), ...words.map((word) => word.slice(0, 128))].join(' ')
  if (!(answer instanceof Error)) audit(`${who} at ${address}`, action)
  return answer
}

function isPromiseLike(reply: PromiseLike<Reply> | Reply): reply is PromiseLike<Reply> {
  return typeof reply === 'object' && reply !== null && 'then' in reply
}

function toReply(error: unknown): Error {
  if (error instanceof CommandError) return new Error(`${error.code} ${error.message}`)
  if (error instanceof KindError || error instanceof ScheduleError)
    return new Error(`ERR ${error.message.replaceAll(/\s*[\r\n]+\s*/g, ' ')}`)
  if (error instanceof QueueFull) return new Error(`BUSY ${error.message}`)
  if (error instanceof ReplyError) return new Error(`ERR ${error.message}`)
  if (isCancelled(error)) throw error
  if (isPassing(error)) return new Error(`ERR not now: ${error.message}`)
  getEventLoop().callExceptionHandler({ message: 'a command has failed', exception: error })
  return new Error('ERR internal error')
}

const noAuth = new Error('NOAUTH Authentication required.')

function unknownCommand(words: readonly Word[]): Error {
  const [name = '', ...rest] = words.map((word) => `'${String(word).slice(0, 128)}'`)
  const args = rest.slice(0, 20).join(' ').slice(0, 128)
  return new Error(`ERR unknown command ${name}, with args beginning with: ${args}`)
}

function ping([text]: readonly string[], _: Directory, session: Session): Reply {
  if (session.isSubscribed && session.version === 2) return ['pong', text ?? '']
  return text ?? pong
}

const pong: Reply = { simple: 'PONG' }

function select([index]: readonly string[]): Reply {
  return index === '0' ? ok : new Error('ERR DB index is out of range')
}

/** Handles CLIENT, with which clients describe themselves after connecting. The server accepts that and ignores it. */
function client([sub = '']: readonly string[]): Reply {
  switch (sub.toUpperCase()) {
    case 'ID':
      return 1
    case 'GETNAME':
      return null
    case 'SETNAME':
    case 'SETINFO':
    case 'NO-EVICT':
    case 'NO-TOUCH':
      return ok
    default:
      return new Error(`ERR unknown subcommand '${sub.slice(0, 128)}'`)
  }
}

function info(_: readonly string[], { system, file }: Directory): Reply {
  return `# Server\r\nserver_name:${system.name}\r\nredis_version:7.0.0\r\nprocess_id:${process.pid}\r\n# Persistence\r\nloading:0\r\njobs_file:${file}\r\n`
}

async function auth(
  words: readonly string[],
  { credentials }: Directory,
  session: Session,
): Promise<Reply> {
  if (credentials.isEmpty)
    throw new CommandError(
      'AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    )
  const [first = '', second] = words
  // Redis clients that know only a password send the name "default" with it.
  const wanted = second === undefined || first === defaultName ? null : first
  const who = await credentials.logIn(session.address, second ?? first, wanted)
  if (who === null)
    throw new CommandError('invalid username-password pair or user is disabled.', 'WRONGPASS')
  session.who = who
  return ok
}

async function hello(
  [version, ...options]: readonly string[],
  directory: Directory,
  session: Session,
): Promise<Reply> {
  if (version !== undefined && version !== '2' && version !== '3')
    throw new CommandError('unsupported protocol version', 'NOPROTO')
  for (let i = 0; i < options.length; i++) {
    const option = options[i]?.toUpperCase()
    if (option === 'AUTH' && i + 2 < options.length) {
      await auth(options.slice(i + 1, i + 3), directory, session)
      i += 2
    } else if (option === 'SETNAME' && i + 1 < options.length) i++
    else throw new CommandError(`Syntax error in HELLO option '${options[i]}'`)
  }
  if (session.who === null)
    throw new CommandError(
      'HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
      'NOAUTH',
    )
  if (version !== undefined) session.version = version === '3' ? 3 : 2
  return new Map<string, Reply>([
    ['server', 'jobd'],
    ['version', packageVersion()],
    ['proto', session.version],
    ['id', 1],
    ['mode', 'standalone'],
    ['role', 'master'],
    ['modules', []],
  ])
}

function quit(_: readonly string[], __: Directory, session: Session): Reply {
  session.closing = true
  return ok
}

function hangUp(_: readonly string[], __: Directory, session: Session): Reply {
  session.closing = true
  return { several: [] }
}

/** Resets the connection to its state after connecting. */
function reset(_: readonly string[], directory: Directory, session: Session): Reply {
  session.version = 2
  session.isSubscribed = false
  session.waits?.[Symbol.dispose]()
  session.who = initialName(directory)
  return { simple: 'RESET' }
}

/** Handles JOB.WAIT. With a TICKET it is answered at once, and the job is sent as a message when it has ended. */
function wait(
  [id, ...options]: readonly string[],
  { scheduler }: Directory,
  session: Session,
): PromiseLike<Reply> | Reply {
  const { waiting, ticket } = parseWait(id, options, scheduler)
  if (ticket === undefined) return waiting()
  if (session.version === 2 || session.waits === null)
    throw new CommandError('TICKET needs RESP3, which has messages: HELLO 3')
  session.waits.begin(ticket, () => settle(waiting()))
  return ok
}

function subscribe(names: readonly string[], _: Directory, session: Session): Reply {
  const wrong = names.find((name) => name !== channel)
  if (wrong !== undefined)
    throw new CommandError(`there is no channel '${wrong.slice(0, 128)}', there is ${channel}`)
  session.isSubscribed = true
  return { several: names.map((name) => ({ push: ['subscribe', name, 1] })) }
}

function unsubscribe(names: readonly string[], _: Directory, session: Session): Reply {
  const all: readonly (string | null)[] = session.isSubscribed ? [channel] : [null]
  const left = names.length > 0 ? names : all
  if (left.includes(channel)) session.isSubscribed = false
  const count = session.isSubscribed ? 1 : 0
  return { several: left.map((name) => ({ push: ['unsubscribe', name, count] })) }
}

async function killActor([path = '']: readonly string[], { system }: Directory): Promise<Reply> {
  const ref = system.lookup(path)
  if (ref === null) throw new CommandError(`no such actor: ${path.slice(0, 128)}`)
  if (ref === system.root) throw new CommandError('the root is ended by ending the server')
  await ref.kill()
  return ok
}
