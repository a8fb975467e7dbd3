import { globSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { defineConfig, type DefaultTheme } from 'vitepress'
import llmstxt from 'vitepress-plugin-llms'
import { drawDiagrams } from '../site/diagrams.ts'
import { linkToRepository } from '../site/repository-links.ts'
import { referenceSidebars } from '../site/reference-sidebars.ts'
import { sections } from '../site/sections.ts'
import { showTimelines } from '../site/timeline-fences.ts'

const docs = resolve(import.meta.dirname, '..')

/** The title of a page: its first heading, in the page itself or in the page that it includes. */
function titleOf(page: string): string {
  const text = readFileSync(join(docs, page), 'utf8')
  const included = /<!--@include: (.*?)-->/.exec(text)?.[1]
  const source =
    included === undefined ? text : readFileSync(resolve(docs, page, '..', included), 'utf8')
  const title = /^# (.*)$/m.exec(source)?.[1]
  if (title === undefined) throw new Error(`${page} has no heading`)
  return title.replaceAll('`', '')
}

/** The pages of a folder in the order that `sections.ts` gives; a page that is missing there comes last. */
function itemsOf(folder: string, order: readonly string[]): DefaultTheme.SidebarItem[] {
  const names = globSync('*.md', { cwd: join(docs, folder) })
    .map((file) => basename(file, '.md'))
    .filter((name) => name !== 'index')
    .toSorted((a, b) => place(a) - place(b) || a.localeCompare(b))
  function place(name: string): number {
    const at = order.indexOf(name)
    return at === -1 ? order.length : at
  }
  return names.map((name) => ({
    text: titleOf(`${folder}/${name}.md`),
    link: `/${folder}/${name}`,
  }))
}

const everyday: DefaultTheme.SidebarItem[] = sections.map(({ title, folder, order }) => ({
  text: title,
  // Without a link VitePress would make the entry a button, and the button that folds the entry would be inside it.
  link: `/${folder}/`,
  collapsed: !['start', 'tutorial'].includes(folder),
  items: itemsOf(folder, order),
}))

export default defineConfig({
  title: 'Tasktree',
  description: 'Structured concurrency for TypeScript: tasks that can be cancelled, and clean up.',
  lang: 'en',
  cleanUrls: true,
  // Otherwise each page holds the sidebars of all pages.
  metaChunk: true,
  srcExclude: ['node_modules/**', 'site/**', 'test/**'],
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/favicon.svg' }]],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(md) {
      // An indented block looks like a fenced one, and scrolls like it.
      md.renderer.rules.code_block = (tokens, index, ...rest) => {
        tokens[index]!.info = 'text'
        return md.renderer.rules.fence!(tokens, index, ...rest)
      }
      drawDiagrams(md)
      showTimelines(md)
      linkToRepository(md)
    },
  },
  vite: {
    // The types of the plugin are those of a newer vite.
    plugins: [
      llmstxt({
        ignoreFiles: ['reference/api/**', 'index.md'],
        sidebar: { '/': everyday },
      }) as never,
    ],
    build: { chunkSizeWarningLimit: 10_000 },
  },
  themeConfig: {
    siteTitle: 'Tasktree',
    search: {
      provider: 'local',
      options: { detailedView: false },
    },
    nav: [
      { text: 'Start', link: '/start/', activeMatch: '^/start/' },
      { text: 'Tutorial', link: '/tutorial/', activeMatch: '^/tutorial/' },
      { text: 'Concepts', link: '/concepts/', activeMatch: '^/concepts/' },
      { text: 'How-to', link: '/how-to/', activeMatch: '^/how-to/' },
      { text: 'Reference', link: '/reference/', activeMatch: '^/(reference|packages)/' },
      {
        text: 'More',
        items: [
          { text: 'Coming from', link: '/coming-from/' },
          { text: 'Performance', link: '/performance/' },
          { text: 'Design', link: '/design/' },
          { text: 'Questions', link: '/reference/faq' },
          { text: 'Troubleshooting', link: '/reference/troubleshooting' },
        ],
      },
    ],
    sidebar: { ...referenceSidebars(join(docs, 'reference/api')), '/': everyday },
    outline: [2, 3],
    docFooter: { prev: 'Previous page', next: 'Next page' },
    footer: { message: 'MIT licence' },
  },
})
