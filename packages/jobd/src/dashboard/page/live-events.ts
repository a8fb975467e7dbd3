import type { PageChanges, PageOutput, PageSnapshot } from '../page-events.ts'
import { find, setText } from './element.ts'
import { SharedEventStream, type FromTab, type ToTab } from './shared-event-stream.ts'
import { get, meta, token } from './requests.ts'

const badge = find('connection', HTMLParagraphElement)

function show(state: 'live' | 'lost', text: string): void {
  badge.dataset['state'] = state
  setText(badge, text)
}

export interface EventHandlers {
  /** Called with everything that the page shows: at the beginning, and each time a lost connection is open again. */
  begin: (snapshot: PageSnapshot) => void
  apply: (changes: PageChanges) => void
  /** Called with a part of the output of a followed job. */
  output: (event: 'log' | 'output' | 'end', output: PageOutput) => void
}

/** Receives the events for this tab from the stream that all tabs share. */
export class LiveEvents {
  readonly #tell: (message: FromTab) => void

  constructor(handlers: EventHandlers) {
    const receive = (message: ToTab): void => {
      switch (message.type) {
        case 'live':
          show('live', 'live')
          break
        case 'lost':
          show('lost', 'reconnecting')
          break
        case 'refused':
          // If the server asks for the password again, this request reloads the page.
          get('jobs').catch(() => {})
          break
        case 'snapshot':
          handlers.begin(message.snapshot)
          break
        case 'changes':
          handlers.apply(message.changes)
          break
        case 'output':
          handlers.output(message.event, message.output)
          break
      }
    }
    this.#tell = joinSharedStream(receive)
    this.#tell({ type: 'hello', token })
    addEventListener('pagehide', () => this.#tell({ type: 'bye' }))
    // If the browser shows a page from its back/forward cache, the page has missed events.
    addEventListener('pageshow', (event) => {
      if (event.persisted) location.reload()
    })
  }

  /**
   * From now on, `output` is called with the output of the job: first with the output so far, then with each new part.
   */
  follow(job: number): void {
    this.#tell({ type: 'follow', job })
  }

  unfollow(job: number): void {
    this.#tell({ type: 'unfollow', job })
  }
}

function joinSharedStream(receive: (message: ToTab) => void): (message: FromTab) => void {
  if (typeof SharedWorker === 'undefined') {
    const stream = new SharedEventStream(new URL('.', location.href).href)
    const tab = { send: receive }
    return (message) => stream.receive(tab, message)
  }
  // The worker is named after the server, so that the tabs of a restarted server do not share the worker of the earlier
  // server.
  const { port } = new SharedWorker('events-worker.js', { name: meta('jobd-server') })
  port.addEventListener('message', ({ data }: MessageEvent<ToTab>) => receive(data))
  port.start()
  return (message) => port.postMessage(message)
}
