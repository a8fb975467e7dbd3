import type { PageChanges, PageSnapshot } from '../page-events.ts'
import { find, setText } from './element.ts'
import { get } from './requests.ts'

/** Milliseconds until a stream that was refused is asked for again. */
const retryDelay = 1_000

/** A server that works sends its measurements each second: one that says nothing for so long is no more. */
const longestSilence = 10_000

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
  let silence = 0
  const again = (delay: number): void => {
    clearTimeout(silence)
    source.close()
    show('lost', 'reconnecting')
    setTimeout(() => connect(begin, apply), delay)
  }
  const heard = (): void => {
    clearTimeout(silence)
    silence = setTimeout(() => again(0), longestSilence)
  }
  heard()
  source.addEventListener('snapshot', (event: MessageEvent<string>) => {
    heard()
    begin(JSON.parse(event.data) as PageSnapshot)
    show('live', 'live')
  })
  source.addEventListener('changes', (event: MessageEvent<string>) => {
    heard()
    apply(JSON.parse(event.data) as PageChanges)
  })
  source.addEventListener('error', () => {
    show('lost', 'reconnecting')
    // A connection that was lost is opened again by the browser; one that was refused is not.
    if (source.readyState !== EventSource.CLOSED) return
    again(retryDelay)
    // A password that is asked for again shows itself here.
    get('/jobs').catch(() => {})
  })
}
