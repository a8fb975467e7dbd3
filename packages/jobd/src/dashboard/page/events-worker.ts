import { SharedEventStream, type FromTab, type ToTab } from './shared-event-stream.ts'

// The program of the SharedWorker, which holds the event stream for all tabs of a browser.
const stream = new SharedEventStream(new URL('.', location.href).href)

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  if (port === undefined) return
  const tab = { send: (message: ToTab) => port.postMessage(message) }
  port.addEventListener('message', ({ data }: MessageEvent<FromTab>) => stream.receive(tab, data))
  port.start()
})
