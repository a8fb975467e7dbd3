import type { ServerResponse } from 'node:http'
import type { JobChange } from '../store/job-feed.ts'
import type { Output } from '../store/job-outputs.ts'
import { EventStream } from './event-stream.ts'
import { JobOutput } from './job-output.ts'

/**
 * An event stream with the output of one job and nothing else, for programs. A page gets outputs through its own event
 * stream.
 */
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
