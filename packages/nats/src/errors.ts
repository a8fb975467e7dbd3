/** The program could not connect to the server. `cause` is the error of the NATS client. */
export class ConnectFailed extends Error {
  override readonly name: string = 'ConnectFailed'
  readonly code: string = 'ERR_NATS_CONNECT'

  constructor(servers: string, why: string, options?: ErrorOptions) {
    super(`cannot connect to ${servers}: ${why}`, options)
  }
}

/** The server runs without JetStream, which this package needs for jobs and for the list of nodes. */
export class NoJetStream extends Error {
  override readonly name: string = 'NoJetStream'
  readonly code: string = 'ERR_NATS_NO_JETSTREAM'

  constructor(server: string, options?: ErrorOptions) {
    super(
      `the server ${server} has no JetStream for this account: start it with nats-server -js -sd DIR, or enable JetStream in its configuration`,
      options,
    )
  }
}

/** The cluster handle is not connected: its child was not started, or has ended. */
export class ClusterClosed extends Error {
  override readonly name: string = 'ClusterClosed'
  readonly code: string = 'ERR_NATS_CLUSTER_CLOSED'

  constructor() {
    super(
      'the cluster is not connected: start its child(), or use connect(), and use it before that has ended',
    )
  }
}

/** The connection to the server was lost while an ask waited for its answer, or there was no connection for an ask. */
export class ConnectionLost extends Error {
  override readonly name: string = 'ConnectionLost'
  readonly code: string = 'ERR_NATS_CONNECTION_LOST'
  /** False if the message was not sent. Otherwise it is unknown whether an actor has handled it. */
  readonly delivered: false | 'unknown'

  constructor(what: string, delivered: false | 'unknown') {
    const when = delivered === false ? 'before it was sent' : 'before the answer came'
    super(`${what}: the connection to the server was lost ${when}`)
    this.delivered = delivered
  }
}

/** The node that was handling an ask has died: its entry in the list of nodes has expired. */
export class NodeLost extends Error {
  override readonly name: string = 'NodeLost'
  readonly code: string = 'ERR_NATS_NODE_LOST'
  readonly node: string
  readonly delivered = 'unknown' as const

  constructor(path: string, node: string) {
    super(`${path}: the node ${node} had the message and does not answer any more`)
    this.node = node
  }
}

/** The queue has as many jobs as its capacity allows, so the server has refused the job. */
export class QueueFull extends Error {
  override readonly name: string = 'QueueFull'
  readonly code: string = 'ERR_NATS_QUEUE_FULL'
  readonly queue: string

  constructor(queue: string, options?: ErrorOptions) {
    super(
      `the queue ${JSON.stringify(queue)} is full: submit again later, or raise its capacity`,
      options,
    )
    this.queue = queue
  }
}

/** Arguments, a progress value or the state of an entity are larger than the server allows. Nothing was sent. */
export class PayloadTooLarge extends Error {
  override readonly name: string = 'PayloadTooLarge'
  readonly code: string = 'ERR_NATS_PAYLOAD_TOO_LARGE'
  readonly size: number
  readonly limit: number

  constructor(what: string, size: number, limit: number) {
    super(
      `${what} has ${size} bytes, and the server takes ${limit}: send the place of the data instead, or raise the server's max_payload`,
    )
    this.size = size
    this.limit = limit
  }
}

/** The job has run, but its result is larger than the server's limit. The job does not run again. */
export class ResultTooLarge extends Error {
  override readonly name: string = 'ResultTooLarge'
  readonly code: string = 'ERR_NATS_RESULT_TOO_LARGE'

  constructor(job: string, size: number, limit: number) {
    super(
      `the result of ${job} has ${size} bytes, and the server takes ${limit}: store it elsewhere and return its place`,
    )
  }
}

/** For `unknownAfter` milliseconds, no worker of the queue had the function of the job. */
export class UnknownJob extends Error {
  override readonly name: string = 'UnknownJob'
  readonly code: string = 'ERR_NATS_UNKNOWN_JOB'
  readonly job: string

  constructor(job: string, queue: string, known: readonly string[]) {
    const has = known.length === 0 ? 'no modules' : `the modules ${known.join(', ')}`
    super(
      `no worker of the queue ${JSON.stringify(queue)} knows the job ${job}: the worker that got it last has ${has}`,
    )
    this.job = job
  }
}

/**
 * Workers began the job as often as `maxDeliver` allows, and none of them finished it, or its arguments cannot be read. It is
 * in the dead-letter stream now.
 */
export class PoisonedJob extends Error {
  override readonly name: string = 'PoisonedJob'
  readonly code: string = 'ERR_NATS_POISONED_JOB'
  readonly job: string
  /** How many times the job was delivered to a worker. */
  readonly deliveries: number

  constructor(job: string, deliveries: number, why: string, options?: ErrorOptions) {
    super(`the job ${job} was put aside after ${deliveries} deliveries: ${why}`, options)
    this.job = job
    this.deliveries = deliveries
  }
}

/** A consumer has sent neither messages nor heartbeats, or the server has ended it. Another one is started. */
export class ConsumerStalled extends Error {
  override readonly name: string = 'ConsumerStalled'
  readonly code: string = 'ERR_NATS_CONSUMER_STALLED'

  constructor(stream: string, why: string) {
    super(`the consumer of ${stream} has stalled: ${why}`)
  }
}

/** The server did not answer a request in time, or the connection was lost. It may have done what was requested. */
export class BusTimeout extends Error {
  override readonly name: string = 'BusTimeout'
  readonly code: string = 'ERR_NATS_TIMEOUT'

  constructor(what: string, options?: ErrorOptions) {
    super(`the server did not answer in time: ${what}`, options)
  }
}

/** The stream has as many messages as its limit allows, so the server has refused the message. */
export class StreamFull extends Error {
  override readonly name: string = 'StreamFull'
  readonly code: string = 'ERR_NATS_STREAM_FULL'

  constructor(subject: string, options?: ErrorOptions) {
    super(`the stream of ${subject} is full`, options)
  }
}

/** A lease was not renewed in time, or another node has it. What runs under the lease is stopped. */
export class LeaseLost extends Error {
  override readonly name: string = 'LeaseLost'
  readonly code: string = 'ERR_NATS_LEASE_LOST'

  constructor(key: string, why: string) {
    super(`the lease ${key} was lost: ${why}`)
  }
}

/** The node gives other settings than the cluster has, such as another number of shards. */
export class SettingsDiffer extends Error {
  override readonly name: string = 'SettingsDiffer'
  readonly code: string = 'ERR_NATS_SETTINGS_DIFFER'

  constructor(what: string, own: string, agreed: string, where: string) {
    super(
      `${what} has the settings ${agreed} in this cluster, and this node gives ${own}: give all nodes the same. To change them, choose another name, or let all of its messages be handled, stop all nodes that host it or send to it, and delete ${where}`,
    )
  }
}

/**
 * Another node has written the state of an entity. This node's actor is stopped, and what it did with the last message does
 * not count.
 */
export class Fenced extends Error {
  override readonly name: string = 'Fenced'
  readonly code: string = 'ERR_NATS_FENCED'
  readonly entity: string

  constructor(entity: string) {
    super(`the entity ${entity} was taken over by another node: its state was written there`)
    this.entity = entity
  }
}
