// A small web site on localhost for the crawler of the tutorial.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const pages: Record<string, { text: string; links: string[] }> = {
  '/': { text: 'Welcome to the garden', links: ['/news', '/docs'] },
  '/news': { text: 'The roses are out', links: ['/', '/docs'] },
  '/docs': { text: 'How to water, how to prune', links: ['/docs/water', '/docs/prune'] },
  '/docs/water': { text: 'In the morning, and not too much', links: ['/docs'] },
  '/docs/prune': { text: 'In March, with a sharp knife', links: ['/docs', '/news'] },
  // The pages below are the hard ones.
  '/wild': { text: 'Here be thorns', links: ['/', '/slow', '/flaky', '/broken'] },
  '/slow': { text: 'never sent', links: [] },
  '/flaky': { text: 'Sometimes I am here', links: ['/news'] },
  '/broken': { text: '<<<', links: [] },
}

export interface Site {
  readonly url: string
  /** The paths that were asked for, in their order. */
  readonly requests: string[]
  /** How many requests have no answer yet. */
  open: number
  /** The most requests that were open at the same time. */
  most: number
  stop(): void
}

/** Starts the site. A page takes 10 ms, `/slow` never answers, and `/flaky` answers 503 twice. */
export async function startSite(): Promise<Site> {
  const requests: string[] = []
  let flaky = 0
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    requests.push(path)
    site.open++
    site.most = Math.max(site.most, site.open)
    response.once('close', () => site.open--)
    const page = pages[path]
    if (path === '/slow') return
    setTimeout(() => {
      if (page === undefined) response.writeHead(404).end()
      else if (path === '/flaky' && ++flaky <= 2) response.writeHead(503).end()
      else {
        const links = page.links.map((link) => `<a href="${link}">${link}</a>`)
        response.writeHead(200, { 'content-type': 'text/html' })
        response.end(`<p>${page.text}</p>${links.join('')}`)
      }
    }, 10)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const site: Site = {
    url: `http://127.0.0.1:${port}`,
    requests,
    open: 0,
    most: 0,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
  return site
}
