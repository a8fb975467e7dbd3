import { performance } from 'node:perf_hooks'
import { taskSignal } from '@tasktree/core'
import { defineKinds, type Kind } from './kind.ts'

/** The kind `fetch`: an HTTP GET request. The result is the status, the number of bytes and the time. */
export const fetchUrl: { readonly fetch: Kind<URL> } = defineKinds({
  fetch: {
    placeholder: 'a URL',
    parse: (text: string) => {
      const url = URL.parse(text)
      if (url === null || !/^https?:$/.test(url.protocol))
        throw new RangeError(
          `expected a URL of http or https, got ${JSON.stringify(text.slice(0, 64))}`,
        )
      return url
    },
    run: async (url) => {
      const begun = performance.now()
      const response = await fetch(url, { signal: taskSignal() })
      let bytes = 0
      for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length
      const text = `${response.status}  ${bytes} bytes  ${Math.round(performance.now() - begun)} ms`
      if (!response.ok) throw new Error(text)
      return text
    },
  },
})
