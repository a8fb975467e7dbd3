import {
  createTask,
  ExceptionGroup,
  Future,
  isCancelled,
  run,
  sleep,
  taskGroup,
  wait,
} from '@tasktree/core'
import { Event, Queue } from '@tasktree/sync'
import { type RTCDataChannel, RTCPeerConnection } from 'werift'

/** One side of a WebRTC connection within this machine. It closes at the end of its scope. */
class Peer implements AsyncDisposable {
  readonly connection: RTCPeerConnection = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ['127.0.0.1'],
    iceUseIpv6: false,
  })

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close()
  }
}

/** A data channel with a queue of its messages, for which a task can wait. It closes at the end of its scope. */
class Channel implements Disposable {
  readonly messages: Queue<string> = new Queue()
  readonly opened: Future<void> = new Future()
  /** Done when either side has closed the channel. */
  readonly closed: Future<void> = new Future()
  readonly #channel: RTCDataChannel

  constructor(channel: RTCDataChannel) {
    this.#channel = channel
    channel.onMessage.subscribe((message) => this.messages.putNowait(String(message)))
    const changed = (): void => {
      if (channel.readyState === 'open' && !this.opened.done()) this.opened.setResult()
      if (channel.readyState !== 'closed' || this.closed.done()) return
      this.messages.shutdown()
      this.closed.setResult()
    }
    channel.stateChanged.subscribe(changed)
    changed()
  }

  send(message: string): void {
    this.#channel.send(message)
  }

  [Symbol.dispose](): void {
    this.#channel.close()
  }
}

async function connect(
  caller: RTCPeerConnection,
  callee: RTCPeerConnection,
): Promise<[Channel, Channel]> {
  const near = new Channel(caller.createDataChannel('chat'))
  const far = new Future<Channel>()
  callee.onDataChannel.subscribe((channel) => far.setResult(new Channel(channel)))
  await caller.setLocalDescription(await caller.createOffer())
  await callee.setRemoteDescription(caller.localDescription!)
  await callee.setLocalDescription(await callee.createAnswer())
  await caller.setRemoteDescription(callee.localDescription!)
  await near.opened
  return [near, await far]
}

await run(async () => {
  const pondering = new Event()
  await using caller = new Peer()
  await using callee = new Peer()
  const [near, far] = await connect(caller.connection, callee.connection)

  const answering = createTask(async () => {
    try {
      for await (const message of far.messages) {
        if (message === 'ponder') {
          console.log('far: this will take an hour')
          pondering.set()
          await sleep(3_600_000)
        }
        far.send(message.toUpperCase())
      }
    } catch (error) {
      if (isCancelled(error)) console.log('far: the cancel has arrived')
      throw error
    }
  })
  far.closed.addDoneCallback(() => answering.cancel())

  async function talk(): Promise<void> {
    using channel = near
    channel.send('hello')
    console.log('near:', await channel.messages.get())
    channel.send('ponder')
    console.log('near:', await channel.messages.get())
  }

  async function fail(): Promise<void> {
    await pondering.wait()
    throw new Error('somebody else has failed')
  }

  try {
    await taskGroup(async (group) => {
      group.createTask(talk)
      group.createTask(fail)
    })
  } catch (error) {
    if (!(error instanceof ExceptionGroup)) throw error
    console.log('near:', (error.errors[0] as Error).message)
  }
  await wait([answering])
})
