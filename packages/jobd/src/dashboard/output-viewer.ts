import type { ServerResponse } from 'node:http'
import type { JobChange } from '../store/job-feed.ts'
import type { Output } from '../store/job-outputs.ts'
import { EventStream } from './event-stream.ts'
import { JobOutput } from './job-output.ts'

/** A stream of one job's output alone, for programs; a page gets outputs by its own stream. */
export class OutputViewer extends EventStream {
  readonly #output: JobOutput
  #begun = false

  constructor(id: number, response: ServerResponse) {
    super(response)
    this.#output = new JobOutput(id, (event, data) => this.send(event, data))
  }

  begin(before: Output, isOver: boolean): void {
    this.#begun = true
    this.#output.begin(before, isOver)
    this.flush()
  }

  see(change: JobChange): void {
    this.#output.see(change)
  }

  flush(): void {
    if (!this.#begun || !this.isReady) return
    if (this.#output.flush()) this.close()
    else this.keepAlive()
  }
}
