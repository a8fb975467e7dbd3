import { EventHub, type ToHub, type ToTab } from './event-hub.ts'

// The SharedWorker that all tabs of a browser share.
const hub = new EventHub(new URL('.', location.href).href)

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  if (port === undefined) return
  const tab = { send: (message: ToTab) => port.postMessage(message) }
  port.addEventListener('message', ({ data }: MessageEvent<ToHub>) => hub.receive(tab, data))
  port.start()
})
