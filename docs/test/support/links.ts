// Looks for dead links in the pages as they were built: links to pages, to files, and to headings.
import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** What the checker needs of a page. */
interface Page {
  readonly ids: ReadonlySet<string>
  readonly links: readonly string[]
}

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&quot;': '"',
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
}

function unescape(text: string): string {
  return text.replaceAll(/&(?:amp|quot|#39|lt|gt);/g, (entity) => entities[entity]!)
}

function attributes(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map((match) =>
    unescape(match[1] as string),
  )
}

/** The path under which a browser sees a page: '/start/' for start/index.html, '/start/install' for start/install.html. */
function pathOf(file: string): string {
  return `/${file.replace(/(^|\/)index\.html$/, '$1').replace(/\.html$/, '')}`
}

/** The dead links of a site, each as 'page -> link', and how many links were looked at. */
export function findDeadLinks(site: string): { dead: string[]; count: number } {
  const files = globSync('**/*', { cwd: site }).map((file) => file.replaceAll('\\', '/'))
  const pages = new Map<string, Page>()
  for (const file of files.filter((name) => name.endsWith('.html'))) {
    const html = readFileSync(join(site, file), 'utf8')
    const links = [...attributes(html, 'href'), ...attributes(html, 'src')]
    pages.set(pathOf(file), { ids: new Set(attributes(html, 'id')), links })
  }
  const assets = new Set(files.map((file) => `/${file}`))
  const dead: string[] = []
  let count = 0
  for (const [path, { links }] of pages) {
    for (const link of links) {
      if (/^[a-z]+:/.test(link)) continue
      count++
      const { pathname, hash } = new URL(link, `http://site${path}`)
      const page = pages.get(decodeURI(posix.normalize(pathname)).replace(/\.html$/, ''))
      const id = decodeURIComponent(hash.slice(1))
      const isThere =
        page === undefined ? assets.has(decodeURI(pathname)) : id === '' || page.ids.has(id)
      if (!isThere) dead.push(`${path} -> ${link}`)
    }
  }
  return { dead, count }
}
