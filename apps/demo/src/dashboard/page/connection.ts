import type { PageChanges, PageSnapshot } from '../page-events.ts'
import { find, setText } from './element.ts'
import { get } from './requests.ts'

/** Milliseconds until a stream that was refused is asked for again. */
const retryDelay = 1_000

const badge = find('connection', HTMLParagraphElement)

function show(state: 'live' | 'lost', text: string): void {
  badge.dataset['state'] = state
  setText(badge, text)
}

/** The page's stream. After each loss there is a new snapshot. */
export function connect(
  begin: (snapshot: PageSnapshot) => void,
  apply: (changes: PageChanges) => void,
): void {
  const source = new EventSource('/events')
  source.addEventListener('snapshot', (event: MessageEvent<string>) => {
    begin(JSON.parse(event.data) as PageSnapshot)
    show('live', 'live')
  })
  source.addEventListener('changes', (event: MessageEvent<string>) => {
    apply(JSON.parse(event.data) as PageChanges)
  })
  source.addEventListener('error', () => {
    show('lost', 'reconnecting')
    // A connection that was lost is opened again by the browser; one that was refused is not.
    if (source.readyState !== EventSource.CLOSED) return
    source.close()
    setTimeout(() => connect(begin, apply), retryDelay)
    // A password that is asked for again shows itself here.
    get('/jobs').catch(() => {})
  })
}
