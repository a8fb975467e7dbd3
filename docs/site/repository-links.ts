// The pages are read in the repository as well, where they link to its files. The site has pages of its own for some of them.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { MarkdownRenderer } from 'vitepress'

const docs = resolve(import.meta.dirname, '..')
const root = resolve(docs, '..')

interface Manifest {
  readonly repository?: string | { readonly url: string }
}

/** The address of the repository, without a slash at its end; null while it has none. */
function findRepository(): string | null {
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const url = typeof repository === 'object' ? repository.url : repository
  return url?.replace(/^git\+/, '').replace(/(\.git)?\/?$/, '') ?? null
}

/** The page of the site for each file and folder of the repository that a page includes. */
const pageOf: ReadonlyMap<string, string> = new Map([
  ['README.md', '/'],
  ...globSync(['*/*.md', 'packages/*/*.md'], { cwd: docs }).flatMap((page): [string, string][] => {
    const file = includedBy(join(docs, page))
    if (file === null) return []
    const included = relative(root, file)
    const link = `/${page.replace(/(index)?\.md$/, '')}`
    return [
      [included, link],
      [dirname(included), link],
    ]
  }),
])

/** The file that a page consists of; null for a page of its own. */
function includedBy(page: string): string | null {
  const path = /^<!--@include: (.*?)-->/.exec(readFileSync(page, 'utf8'))?.[1]
  return path === undefined ? null : resolve(dirname(page), path)
}

/** Where a relative link to `file` leads on the site: a path, an address, or nowhere while the repository has no address. */
function targetOf(file: string, repository: string | null): string | null {
  const inRepository = relative(root, file)
  const page = pageOf.get(inRepository)
  if (page !== undefined) return page
  const inDocs = relative(docs, file)
  const isPage = !inDocs.startsWith('..') && (!existsSync(file) || file.endsWith('.md'))
  if (isPage) return `/${inDocs.replace(/(^|\/)index\.md$/, '$1').replace(/\.md$/, '')}`
  return repository === null ? null : `${repository}/blob/main/${inRepository}`
}

/**
 * Turns each relative link of the Markdown into a link to a page of the site, or to the file in the repository. If the
 * repository has no address yet, a link to a file becomes plain text, and its tooltip shows the path of the file.
 */
export function linkToRepository(md: MarkdownRenderer): void {
  const repository = findRepository()
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const { path } = env as { path?: string }
    if (path === undefined || relative(docs, path).startsWith('reference/api/')) return
    const base = dirname(includedBy(path) ?? path)
    for (const { children } of tokens) {
      for (const [i, open] of (children ?? []).entries()) {
        const href = open.type === 'link_open' ? open.attrGet('href') : null
        if (href === null || /^([a-z]+:|#|\/)/.test(href)) continue
        const [file, anchor] = href.split('#') as [string, string?]
        const target = targetOf(resolve(base, file), repository)
        if (target !== null) open.attrSet('href', anchor ? `${target}#${anchor}` : target)
        else {
          const close = children!.find((token, at) => at > i && token.type === 'link_close')!
          open.attrs = [['title', relative(root, resolve(base, file))]]
          open.tag = close.tag = 'span'
        }
      }
    }
  })
}
