import { fileURLToPath } from 'node:url'
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  loadPackageDefinition,
  type requestCallback,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

export interface NumberMessage {
  value: number
}

export interface NumbersMessage {
  values: number[]
}

export interface CounterClient extends Client {
  add(request: NumbersMessage, callback: requestCallback<NumberMessage>): ClientUnaryCall
  count(request: NumberMessage): ClientReadableStream<NumberMessage>
  double(): ClientDuplexStream<NumberMessage, NumberMessage>
}

export interface CounterHandlers {
  add?: handleUnaryCall<NumbersMessage, NumberMessage>
  count?: handleServerStreamingCall<NumberMessage, NumberMessage>
  double?: handleBidiStreamingCall<NumberMessage, NumberMessage>
}

const proto = fileURLToPath(new URL('./counter.proto', import.meta.url))
const { tasktree } = loadPackageDefinition(loadSync(proto)) as unknown as {
  tasktree: { Counter: ServiceClientConstructor }
}

/** A gRPC server with the given handlers, and a client that is connected to it. Both close at the end of the scope. */
export class Counter implements AsyncDisposable {
  readonly client: CounterClient
  readonly #server: Server

  private constructor(server: Server, port: number) {
    this.#server = server
    const client = new tasktree.Counter(`127.0.0.1:${port}`, credentials.createInsecure())
    this.client = client as unknown as CounterClient
  }

  static async serve(handlers: CounterHandlers): Promise<Counter> {
    const server = new Server()
    server.addService(tasktree.Counter.service, { ...handlers })
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound)
        else reject(error)
      })
    })
    return new Counter(server, port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close()
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()))
  }
}
