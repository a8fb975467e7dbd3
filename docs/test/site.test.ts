// Builds the site as `npm run docs` does, without a network, then checks its links and opens it in a browser.
import { execFile, execFileSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findChromium, openContext, withoutChromium } from '../../vitest.chromium.ts'
import { findDeadLinks } from './support/links.ts'
import { docs } from './support/pages.ts'
import { serveFolder } from './support/server.ts'

const slow = { tags: ['slow'] }
const site = join(docs, '.vitepress/dist')

/** What runs a command without a network; nothing where the system does not allow that. */
function withoutNetwork(): string[] {
  try {
    execFileSync('unshare', ['-rn', 'true'], { stdio: 'ignore' })
    return ['unshare', '-rn']
  } catch {
    return []
  }
}

beforeAll(async () => {
  const build = [process.execPath, join(docs, 'site/main.ts'), '--build']
  const [command, ...args] = [...withoutNetwork(), ...build] as [string, ...string[]]
  // What the test runner needs is not for vite, which builds for production.
  const { NODE_ENV: _, VITEST: __, ...env } = process.env
  await promisify(execFile)(command, args, { cwd: docs, env, maxBuffer: 2 ** 26 })
}, 600_000)

describe('links', () => {
  test('no link of the site is dead, to a page, a file or a heading', slow, () => {
    const { dead, count } = findDeadLinks(site)
    expect(dead).toEqual([])
    expect(count).toBeGreaterThan(10_000)
  })

  test('findDeadLinks finds a dead link and a dead anchor', () => {
    const folder = mkdtempSync(join(tmpdir(), 'links-'))
    try {
      mkdirSync(join(folder, 'a'))
      writeFileSync(
        join(folder, 'index.html'),
        '<h1 id="top"></h1><a href="/a/b"></a><a href="./a/c#x"></a><a href="#top"></a><img src="/no.svg">',
      )
      writeFileSync(join(folder, 'a/c.html'), '<a href="../#top"></a><a href="../#bottom"></a>')
      const { dead, count } = findDeadLinks(folder)
      expect({ dead: dead.toSorted(), count }).toEqual({
        dead: ['/ -> /a/b', '/ -> ./a/c#x', '/ -> /no.svg', '/a/c -> ../#bottom'].toSorted(),
        count: 6,
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

test('each program that asks for a timeline has a timeline on its page', () => {
  const asked = globSync('**/*.md', { cwd: docs, exclude: ['node_modules', 'reference/api'] })
    .map((page) => readFileSync(join(docs, page), 'utf8').split('```ts timeline').length - 1)
    .reduce((sum, n) => sum + n, 0)
  const drawn = globSync(['index.html', '*/*.html'], { cwd: site })
    .map((page) => readFileSync(join(site, page), 'utf8').split('class="timeline"').length - 1)
    .reduce((sum, n) => sum + n, 0)
  expect(drawn).toBe(asked)
  expect(drawn).toBeGreaterThan(0)
})

test('llms.txt lists the pages, and a page of the site is there as Markdown', () => {
  expect(readFileSync(join(site, 'llms.txt'), 'utf8')).toContain('/start/ten-minutes.md')
  expect(readFileSync(join(site, 'start/ten-minutes.md'), 'utf8')).toContain('# Ten minutes')
})

test('the page of `gather` shows its example as code, and the text after the example as text', () => {
  const page = readFileSync(join(docs, 'reference/api/core/functions/gather.md'), 'utf8')
  expect(page).toMatch(/^#+ Example\n\n```ts\nconst .*\n[^`]*```\n\nSource: asyncio\.gather/m)
})

const installed = findChromium()

describe('in Chromium', () => {
  beforeEach(({ skip }) => skip(installed === null, withoutChromium))

  let browser: Browser | null = null
  let server: Server
  let url = ''
  const foreign: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    if (installed === null) return
    ;({ url, server } = await serveFolder(site))
    browser = await chromium.launch(installed)
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  async function visit(path: string, look: (page: Page) => Promise<void>): Promise<void> {
    const context = await openContext(browser!, { colorScheme: 'light' })
    try {
      const page = await context.newPage()
      page.on('request', (request) => {
        if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) {
          foreign.push(request.url())
        }
      })
      page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`))
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(`${path}: ${message.text()}`)
      })
      await page.goto(url + path)
      await page.waitForLoadState('networkidle')
      await look(page)
    } finally {
      await context.close()
    }
  }

  /** What axe finds that is serious or critical. */
  async function findSerious(page: Page): Promise<string[]> {
    const { violations } = await page.evaluate(() =>
      window.axe.run({ resultTypes: ['violations'] }),
    )
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`))
  }

  const pages = [
    '/',
    '/start/',
    '/start/ten-minutes',
    '/concepts/cancellation',
    '/coming-from/asyncio',
    '/performance/',
    '/design/kernel',
    '/packages/core',
    '/reference/api/core/functions/waitFor',
    '/how-to/find-a-hang',
  ]

  test('search finds waitFor, by the keyboard alone', slow, () =>
    visit('/', async (page) => {
      await page.keyboard.press('Control+k')
      await page.locator('#localsearch-input').waitFor()
      await page.keyboard.type('waitFor')
      await page.locator('.VPLocalSearchBox .result').first().waitFor()
      const found = await page.locator('.VPLocalSearchBox .result').allInnerTexts()
      expect(found.join('\n')).toContain('waitFor')
      await page.keyboard.press('Enter')
      await page.waitForURL(/waitfor/i)
    }),
  )

  test('the keyboard reaches the content and each entry of the navigation', slow, () =>
    visit('/start/ten-minutes', async (page) => {
      await page.keyboard.press('Tab')
      expect(await page.locator(':focus').innerText()).toBe('Skip to content')
      const reached = new Set<string>()
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press('Tab')
        reached.add(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ''))
      }
      for (const name of ['Tutorial', 'How-to', 'Reference', 'Install']) {
        expect([...reached]).toContain(name)
      }
      const outline = await page.evaluate(
        () => getComputedStyle(document.activeElement!).outlineStyle,
      )
      expect(outline).not.toBe('none')
    }),
  )

  test.each(pages)('%s is readable in light and dark, and fits a phone', slow, (path) =>
    visit(path, async (page) => {
      await page.evaluate(axe.source)
      await page.addStyleTag({ content: '* { transition: none !important }' })
      const serious: string[] = []
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        await page.waitForFunction(
          (isDark) => document.documentElement.classList.contains('dark') === isDark,
          colorScheme === 'dark',
        )
        serious.push(...(await findSerious(page)).map((finding) => `${colorScheme}: ${finding}`))
      }
      expect(serious).toEqual([])
      await page.setViewportSize({ width: 360, height: 740 })
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(width).toBeLessThanOrEqual(360)
    }),
  )

  test('no page requests anything from another origin, and no page logs an error', () => {
    expect(foreign).toEqual([])
    expect(complaints).toEqual([])
  })
})

declare global {
  interface Window {
    axe: typeof axe
  }
}
