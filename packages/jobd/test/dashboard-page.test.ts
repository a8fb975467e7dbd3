import { once } from 'node:events'
import { truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { run } from '@tasktree/core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JobClient } from '../src/client/job-client.ts'
import { findChromium, openContext, withoutChromium } from '../../../vitest.chromium.ts'
import { send } from './support/request.ts'
import { Served } from './support/served.ts'

const slow = { tags: ['slow'] }
const installed = findChromium()

let browser: Browser | null = null

/** An open page, with the requests that it has made and the errors that it has logged. */
class Visit implements AsyncDisposable {
  readonly page: Page
  readonly requests: string[] = []
  readonly complaints: string[] = []

  private constructor(page: Page) {
    this.page = page
    page.on('request', (request) => this.requests.push(request.url()))
    page.on('pageerror', (error) => this.complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text())
    })
  }

  static async to(url: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await openContext(browser as Browser, options)
    const visit = new Visit(await context.newPage())
    await visit.page.goto(url)
    return visit
  }

  /** Adds a job with the form of the page, and returns the number of the job. */
  async add(kind: string, payload: string): Promise<number> {
    await this.page.selectOption('#kind', kind)
    await this.page.fill('#payload', payload)
    const answered = this.page.waitForResponse(
      (response) => response.request().method() === 'POST' && response.url().endsWith('/jobs'),
    )
    await this.page.click('#add button')
    const { id } = (await (await answered).json()) as { id: number }
    await this.page.locator('#notice', { hasText: `Job ${id} is added` }).waitFor()
    await this.row(id).waitFor()
    return id
  }

  row(id: number): ReturnType<Page['locator']> {
    return this.page.locator(`#job-rows tr[data-id="${id}"]`)
  }

  /** Waits until the page shows the job in this state. */
  async until(id: number, state: string): Promise<void> {
    await this.page.locator(`#job-rows tr[data-id="${id}"][data-state="${state}"]`).waitFor()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close()
  }
}

describe('the dashboard in Chromium', () => {
  beforeEach(({ skip }) => skip(installed === null, withoutChromium))

  beforeAll(async () => {
    if (installed === null) {
      console.warn(`the page is not tested in a browser: ${withoutChromium}`)
      return
    }
    browser = await chromium.launch(installed)
  }, 60_000)

  afterAll(() => browser?.close())

  test('shows how a killed worker comes back', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    const { page } = visit
    const worker = page.locator('li[data-path$="/worker-2"]')
    await expect.poll(() => worker.getAttribute('data-status')).toBe('running')
    await page.getByRole('button', { name: 'Kill worker-2' }).click()
    await page.locator('#confirm-yes').click()
    await page.locator('li.flash[data-path$="/worker-2"]').waitFor()
    await page.getByRole('row', { name: /^worker-2 running, actor 1 restart/ }).waitFor()
    expect(await page.locator('#restarts').innerText()).toContain('workers/worker-2: killed')
    expect(visit.complaints).toEqual([])
  })

  test('shows the progress and the output of a job as they come', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    const { page } = visit
    const id = await visit.add('shell', 'echo first; read x < /dev/null; sleep 1; echo second')
    await visit.row(id).click()
    const output = page.locator('#output-text')
    await expect.poll(() => output.textContent()).toContain('first')
    await visit.until(id, 'done')
    await expect.poll(() => output.textContent()).toBe('first\nsecond\n')
    await expect.poll(() => page.locator('#facts').innerText()).toContain('done')

    // A sparse file of 16 GiB: it takes no space on the disk, and hashing it takes long enough to see the progress.
    const zeros = join(served.folder, 'zeros')
    await writeFile(zeros, '')
    await truncate(zeros, 2 ** 34)
    const hashing = await visit.add('hash', zeros)
    const bar = page.locator(`tr[data-id="${hashing}"] progress[value]`)
    await bar.waitFor()
    const first = Number(await bar.getAttribute('value'))
    await expect.poll(async () => Number(await bar.getAttribute('value'))).toBeGreaterThan(first)
    await visit.row(hashing).getByRole('button', { name: 'Cancel' }).click()
    await visit.until(hashing, 'cancelled')
  })

  test('cancels and retries a job by its buttons', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    const id = await visit.add('sleep', '60000')
    await visit.until(id, 'running')
    await visit
      .row(id)
      .getByRole('button', { name: `Cancel job ${id}` })
      .click()
    await visit.until(id, 'cancelled')
    await visit
      .row(id)
      .getByRole('button', { name: `Retry job ${id}` })
      .click()
    await visit.until(id, 'running')
    expect(visit.complaints).toEqual([])
  })

  test(
    'shows the output of each attempt, and queues a done job again after a question',
    slow,
    async () => {
      await using served = await Served.start()
      await using visit = await Visit.to(served.page)
      const { page } = visit
      // Each run of the job adds a line to the file, and prints the file.
      const lines = join(served.folder, 'lines')
      const id = await visit.add(
        'shell',
        `echo line >> ${lines}; cat -n ${lines}; read x < ${lines}; sleep 1`,
      )
      await visit.row(id).click()
      const output = page.locator('#output-text')
      await visit.until(id, 'done')
      await expect.poll(() => output.textContent()).toBe('     1\tline\n')
      expect(await page.locator('#attempts').isHidden()).toBe(true)

      const button = page.getByRole('button', { name: `Queue again: job ${id}` })
      await button.click()
      await page.getByRole('button', { name: 'No', exact: true }).click()
      expect(await visit.row(id).getAttribute('data-state')).toBe('done')
      await button.click()
      await page.locator('#confirm-yes').click()
      // The output of the new attempt replaces the output of the last attempt, and appears as it is written.
      await expect.poll(() => output.textContent()).toBe('     1\tline\n     2\tline\n')
      await visit.until(id, 'done')
      await page.locator('#attempts label', { hasText: '1 done' }).click()
      await expect.poll(() => output.textContent()).toBe('     1\tline\n')
      await page.locator('#attempt-outcome', { hasText: 'Attempt 1, began' }).waitFor()

      // The keys work with the attempts and the rows. The attempt that the reader has chosen stays chosen.
      await page.keyboard.press('j')
      await page.keyboard.press('q')
      await page.keyboard.press('Enter')
      await page.locator('#attempts label', { hasText: '3 running' }).waitFor()
      await visit.until(id, 'done')
      expect(await output.textContent()).toBe('     1\tline\n')
      await page.locator('#attempts input:checked').focus()
      await page.keyboard.press('ArrowRight')
      await expect.poll(() => output.textContent()).toBe('     1\tline\n     2\tline\n')
      await page.keyboard.press('ArrowRight')
      await expect.poll(() => output.textContent()).toContain('     3\tline\n')
      expect(visit.complaints).toEqual([])
    },
  )

  test('shows why an attempt was lost, and why a job failed before its cancel', slow, async () => {
    await using served = await Served.start('--workers', '1')
    await using visit = await Visit.to(served.page)
    const outcome = visit.page.locator('#attempt-outcome')
    await run(async () => {
      await using client = await JobClient.connect('127.0.0.1', served.port)
      const lost = await client.add('sleep', '60000')
      await visit.until(lost, 'running')
      await client.command('JOB.PAUSE')
      await visit.row(lost).click()
      await client.command('ACTOR.KILL', 'workers/worker-1')
      await visit.until(lost, 'queued')
      // The job itself has no error, because its worker was killed. So the page shows why the first attempt was lost.
      await expect.poll(() => outcome.textContent()).toMatch(/^Attempt 1, .*: its worker was/)

      await client.command('JOB.RESUME')
      await client.cancel(lost)
      const gate = join(served.folder, 'gate')
      const failing = await client.add(
        'shell',
        `until [ -e ${gate} ]; do sleep 0.05; done; exit 3`,
        { retries: 1 },
      )
      await visit.until(failing, 'running')
      await client.command('JOB.PAUSE')
      await writeFile(gate, '')
      await visit.until(failing, 'queued')
      await client.cancel(failing)
      await visit.row(failing).click()
      await expect.poll(() => outcome.textContent()).toMatch(/^Attempt 1, .*: .*\b3\b/)
      await client.command('JOB.RESUME')
    })
    expect(await outcome.isVisible()).toBe(true)

    // The facts show the error of a job that has failed in its only attempt.
    const failed = await visit.add('shell', 'exit 4')
    await visit.until(failed, 'failed')
    await visit.row(failed).click()
    await visit.page.locator('#facts', { hasText: 'Error' }).waitFor()
    expect(await outcome.isHidden()).toBe(true)
  })

  test(
    'keeps the scroll position of an output when another tab opens the same job',
    slow,
    async () => {
      await using served = await Served.start()
      await using visit = await Visit.to(served.page)
      const id = await visit.add('shell', 'seq 2000; sleep 60')
      await visit.row(id).click()
      const output = visit.page.locator('#output-text')
      await expect.poll(() => output.textContent()).toContain('2000')
      const view = `document.querySelector('#output-text')`
      await visit.page.evaluate(`${view}.scrollTop = 300; ${view}.firstChild.isOld = true`)
      const other = await visit.page.context().newPage()
      await other.goto(served.page)
      await other.locator(`#job-rows tr[data-id="${id}"]`).click()
      await other.locator('#output-text', { hasText: '2000' }).waitFor()
      // The first tab gets the whole output again too.
      await expect.poll(() => visit.page.evaluate(`${view}.firstChild.isOld`)).toBeUndefined()
      expect(await visit.page.evaluate(`${view}.scrollTop`)).toBe(300)
      expect(await output.textContent()).toMatch(/^1\n2\n[^]*\n2000\n$/)
    },
  )

  test('shows the beginning and the end of a long output', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    const id = await visit.add('shell', 'seq -f "☃ %.0f" 400000')
    await visit.row(id).click()
    await visit.until(id, 'done')
    const output = visit.page.locator('#output-text')
    await expect.poll(() => output.textContent()).toContain('☃ 400000')
    const shown = (await output.textContent()) ?? ''
    expect(shown).toMatch(/^☃ 1\n☃ 2\n/)
    const [gap = '', missing = ''] =
      /\n?\[([\d,]+) bytes of output are left out here\]\n/.exec(shown) ?? []
    const [head = '', tail = ''] = shown.split(gap)
    const all = Array.from({ length: 400_000 }, (_, i) => `☃ ${i + 1}\n`).join('')
    expect([all.startsWith(head), all.endsWith(tail)]).toEqual([true, true])
    // The line end before the gap may be one that the page has added.
    expect(Buffer.byteLength(all) - Buffer.byteLength(head + tail)).toBeOneOf([
      Number(missing.replaceAll(',', '')),
      Number(missing.replaceAll(',', '')) + 1,
    ])
    expect(shown.length).toBeLessThan(1_500_000)
    // For each new piece of output the browser lays out the whole block to which the page adds the piece. So no block may be long.
    const blocks = await output.evaluate(({ children }) =>
      [...children].map(({ textContent }) => textContent.length),
    )
    expect(blocks.reduce((sum, length) => sum + length)).toBe(shown.length)
    expect(Math.max(...blocks)).toBeLessThan(20_000)
  })

  test('can be used with the keyboard alone', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    const { page } = visit
    await page.locator('.connection[data-state="live"]').waitFor()
    await page.keyboard.press('n')
    for (const [i, payload] of ['60000', '60001'].entries()) {
      await page.selectOption('#kind', 'sleep')
      await page.locator('#payload').focus()
      await page.keyboard.type(payload)
      await page.keyboard.press('Enter')
      await visit.row(i + 1).waitFor()
    }
    await page.keyboard.press('Escape')
    await visit.until(1, 'running')

    // The newest running job is in the first row.
    await page.keyboard.press('j')
    expect(await page.locator(':focus').getAttribute('data-id')).toBe('2')
    await page.keyboard.press('ArrowDown')
    expect(await page.locator(':focus').getAttribute('data-id')).toBe('1')
    await page.keyboard.press('c')
    await visit.until(1, 'cancelled')
    expect(await page.locator(':focus').getAttribute('data-id')).toBe('1')
    await page.keyboard.press('r')
    await visit.until(1, 'running')
    await page.keyboard.press('Enter')
    await page.locator('#output[data-job="1"]').waitFor()
    expect(await page.locator(':focus').getAttribute('id')).toBe('output-title')
    await page.keyboard.press('Escape')
    expect(await page.locator('#output').isHidden()).toBe(true)
    expect(await page.locator(':focus').getAttribute('data-id')).toBe('1')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').getAttribute('aria-label')).toBe('Cancel job 1')

    await page.keyboard.press('t')
    await page.keyboard.press('End')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    expect(await page.locator(':focus').getAttribute('data-path')).toBe('/jobd/store')
    while (!(await page.locator(':focus').getAttribute('data-path'))?.endsWith('/worker-1'))
      await page.keyboard.press('ArrowDown')
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: /^worker-1 running, actor 1 restart/ }).waitFor()

    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    expect(await page.locator('#shortcuts').isHidden()).toBe(true)
  })

  test('follows a change of the light or dark preference at once', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page, { colorScheme: 'light' })
    const { page } = visit
    /** The brightest channel of a colour. */
    const brightness = async (selector: string, property: string): Promise<number> => {
      const element = `document.querySelector(${JSON.stringify(selector)})`
      const colour = String(await page.evaluate(`getComputedStyle(${element}).${property}`))
      return Math.max(...(colour.match(/\d+/g) ?? []).slice(0, 3).map(Number))
    }
    const look = (): Promise<number[]> =>
      Promise.all([
        brightness('body', 'backgroundColor'),
        brightness('.tile .value', 'color'),
        brightness('#jobs th', 'backgroundColor'),
      ])
    const [ground = 0, text = 0, head = 0] = await look()
    expect([ground > 200, text < 80, head > 200]).toEqual([true, true, true])
    await page.emulateMedia({ colorScheme: 'dark' })
    const [darkGround = 0, lightText = 0, darkHead = 0] = await look()
    expect([darkGround < 60, lightText > 200, darkHead < 60]).toEqual([true, true, true])
  })

  test(
    'sends requests only to its own server, and breaks no rule of its content security policy',
    slow,
    async () => {
      await using served = await Served.start()
      await using visit = await Visit.to(served.page)
      const id = await visit.add('shell', 'echo <img src=http://evil.example/x onerror=alert(1)>')
      await visit.row(id).click()
      await visit.until(id, 'failed')
      await visit.page.locator('#facts', { hasText: 'failed' }).waitFor()
      expect(visit.requests.length).toBeGreaterThan(5)
      const origins = new Set(visit.requests.map((url) => new URL(url).origin))
      expect([...origins]).toEqual([new URL(served.page).origin])
      expect(visit.complaints).toEqual([])
      // The page shows the output of a job as text and never as markup.
      expect(await visit.page.locator('img[src^="http://evil"]').count()).toBe(0)
    },
  )

  test('refuses changes that a page of another origin sends', slow, async () => {
    await using served = await Served.start()
    const attacker = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end('<!doctype html><title>elsewhere</title>')
    })
    attacker.listen(0, '127.0.0.1')
    await once(attacker, 'listening')
    {
      const { port } = attacker.address() as AddressInfo
      await using visit = await Visit.to(`http://localhost:${port}`)
      const { page } = visit
      const outcomes = await page.evaluate(`(async () => {
        const body = '{"kind":"sleep","payload":"1"}'
        const headers = { 'Content-Type': 'application/json', 'X-Jobd-Token': 'guess' }
        const attempts = [{ method: 'POST', mode: 'no-cors', body }, { method: 'POST', headers, body }]
        const said = []
        for (const attempt of attempts)
          said.push(await fetch('${served.page}/jobs', attempt).then(({ type }) => type, () => 'refused'))
        return said
      })()`)
      expect(outcomes).toEqual(['refused', 'refused'])
      await page.evaluate(`{
        const form = document.createElement('form')
        form.method = 'post'
        form.action = '${served.page}/jobs/1/cancel'
        document.body.append(form)
        form.submit()
      }`)
      await page.getByText('another origin may change nothing here').waitFor()
    }
    attacker.close()
    attacker.closeAllConnections()
    expect((await send(`${served.page}/jobs`)).text).toBe('[]')
  })

  test('asks for the password, and shows nothing before', slow, async () => {
    await using served = await Served.start('--password', 'open sesame')
    await using visit = await Visit.to(served.page)
    const { page } = visit
    await page.keyboard.type('guess')
    await page.keyboard.press('Enter')
    await page.getByText('That is not the password').waitFor()
    await page.getByLabel('Password').fill('open sesame')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.locator('.connection[data-state="live"]').waitFor()
    expect(await page.evaluate('document.cookie')).toBe('')
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Password').waitFor()
  })

  test('goes on after the store and everything below it were restarted', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    const id = await visit.add('sleep', '1')
    await visit.until(id, 'done')
    await visit.page.getByRole('button', { name: 'Kill store' }).click()
    await visit.page.locator('#confirm-yes').click()
    await visit.page.getByRole('row', { name: /^store running, actor 1 restart/ }).waitFor()
    await visit.page.locator('.connection[data-state="live"]').waitFor()
    const next = await visit.add('sleep', '1')
    await visit.until(next, 'done')
    await visit.until(id, 'done')
  })

  test('goes on after the server was stopped and started again', slow, async () => {
    const first = await Served.start()
    await using visit = await Visit.to(first.page)
    await visit.add('sleep', '1')
    await first[Symbol.asyncDispose]()
    await visit.page.locator('.connection[data-state="lost"]').waitFor()
    await using _ = await Served.start('--http', new URL(first.page).port)
    await visit.page.locator('.connection[data-state="live"]').waitFor()
    await visit.page.locator('#no-jobs').waitFor()
    const id = await visit.add('sleep', '1')
    await visit.until(id, 'done')
  })

  test('shows only the jobs of the chosen state', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    const failed = await visit.add('shell', 'exit 3')
    const done = await visit.add('shell', 'true')
    await visit.until(failed, 'failed')
    await visit.until(done, 'done')
    await visit.page.locator('#filter label', { hasText: 'failed' }).click()
    await visit.row(done).waitFor({ state: 'detached' })
    expect(await visit.row(failed).isVisible()).toBe(true)
  })

  test('fits a phone, and all its controls have names for screen readers', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page, { viewport: { width: 390, height: 844 } })
    const { page } = visit
    await visit.add('shell', `echo ${'long '.repeat(100)}`)
    const width = await page.evaluate('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(390)
    const top = async (card: string): Promise<number> =>
      (await page.locator(card).boundingBox())?.y ?? 0
    expect(await top('.jobs-card')).toBeLessThan(await top('.charts-card'))
    const nameless = await page.evaluate(`
      [...document.querySelectorAll('button, input, select, progress, canvas, [role="row"]')]
        .filter((element) => {
          const isLabelled = (element.labels?.length ?? 0) > 0 || element.hasAttribute('aria-label')
          const isInFigure = element.closest('[role="img"][aria-labelledby]') !== null
          return !isLabelled && !isInFigure && element.textContent.trim() === ''
        })
        .map((element) => element.outerHTML)`)
    expect(nameless).toEqual([])
  })

  test.for([390, 1_280])(
    'at a width of %i keeps the size of a table row, whatever the job of the row does',
    slow,
    async (width) => {
      await using served = await Served.start()
      await using visit = await Visit.to(served.page, { viewport: { width, height: 844 } })
      const { page } = visit
      const zeros = join(served.folder, 'zeros')
      await writeFile(zeros, '')
      await truncate(zeros, 2 ** 34)
      const [first, hashing] = [await visit.add('sleep', '60000'), await visit.add('hash', zeros)]
      await visit.until(first, 'running')
      await page.locator(`tr[data-id="${hashing}"] progress[value]`).waitFor()
      /** The heights of all rows, and where their buttons begin. */
      const look = async (): Promise<string> =>
        JSON.stringify(
          await page.evaluate(`[...document.querySelectorAll('#job-rows tr')].map((row) =>
          [row.offsetHeight, ${width} > 640 ? row.querySelector('.actions').offsetLeft : 0])`),
        )
      const seen = new Set<string>()
      for (const id of [first, hashing]) {
        seen.add(await look())
        await visit.row(id).getByRole('button').click()
        await visit.until(id, 'cancelled')
        seen.add(await look())
        await page.keyboard.press('r')
        await visit.until(id, 'running')
        seen.add(await look())
      }
      expect([...seen]).toHaveLength(1)
      const [[one], [two]] = JSON.parse([...seen][0] as string) as [[number], [number]]
      expect(one).toBe(two)
    },
  )

  test('in ten tabs uses one event stream, and each tab is live and can act', slow, async () => {
    await using served = await Served.start()
    await using first = await Visit.to(served.page)
    const context = first.page.context()
    const pages = [first.page]
    for (let i = 1; i < 10; i++) {
      const page = await context.newPage()
      await page.goto(served.page)
      await page.locator('#connection[data-state="live"]').waitFor()
      pages.push(page)
    }
    const id = await first.add('shell', 'echo shared; sleep 30')
    for (const page of pages)
      await page.locator(`#job-rows tr[data-id="${id}"][data-state="running"]`).waitFor()
    // The one stream also brings the output to each tab that shows it.
    for (const page of pages.slice(3, 6)) {
      await page.locator(`#job-rows tr[data-id="${id}"]`).click()
      await page.locator('#output-text', { hasText: 'shared' }).waitFor()
    }
    const last = pages.at(-1) as Page
    await last.locator(`#job-rows tr[data-id="${id}"] button`).click()
    for (const page of pages)
      await page.locator(`#job-rows tr[data-id="${id}"][data-state="cancelled"]`).waitFor()
    expect(first.complaints).toEqual([])
  })

  test('shows the error of an action that fails', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    await visit.page.locator('#connection[data-state="live"]').waitFor()
    await visit.page.route('**/jobs', (route) => route.abort())
    await visit.page.fill('#payload', 'true')
    await visit.page.click('#add button')
    await visit.page.locator('#notice', { hasText: 'The server cannot be reached' }).waitFor()
    await visit.page.unroute('**/jobs')
    await visit.page.route('**/jobs', (route) =>
      route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }),
    )
    await visit.page.click('#add button')
    await visit.page.locator('#notice', { hasText: 'The server answered 502' }).waitFor()
  })

  test(
    'keeps a half-typed limit while schedules add jobs, and takes a limit for each day',
    slow,
    async () => {
      await using served = await Served.start()
      await run(async () => {
        await using client = await JobClient.connect('127.0.0.1', served.port)
        await client.every('tick', '100', 'sleep', '0')
      })
      await using visit = await Visit.to(served.page)
      const field = visit.page.getByLabel('rate of hash')
      await field.pressSequentially('9/')
      const last = visit.page.locator('#schedule-rows .last')
      const before = await last.innerText()
      await expect.poll(() => last.innerText()).not.toBe(before)
      expect(await field.inputValue()).toBe('9/')
      await field.pressSequentially('d')
      await field.press('Enter')
      await visit.page.locator('#notice', { hasText: 'hash: rate is changed' }).waitFor()
      await expect.poll(() => field.inputValue()).toBe('9/d')
      expect(visit.complaints).toEqual([])
    },
  )

  test('keeps its restart counts and charts when the store is killed', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    await visit.add('sleep', '0')
    await expect.poll(() => chartValue(visit)).toBeGreaterThan(0)
    await visit.page.locator('[data-path="/jobd/store"] > .node button').click()
    await visit.page.locator('#confirm-yes').click()
    await visit.page.locator('[data-path="/jobd/store"] .badge', { hasText: '1 restart' }).waitFor()
    await visit.page.locator('#connection[data-state="live"]').waitFor()
    await visit.page.locator('#restarts li', { hasText: 'store' }).waitFor()
    await expect.poll(() => samplesOf(served)).toBeGreaterThan(2)
    // A page that is opened later shows the restart too.
    await using later = await Visit.to(served.page)
    await later.page.locator('#restarts li', { hasText: 'store' }).waitFor()
  })

  test('keeps the height of a row of the tree while its part is busy', slow, async () => {
    await using served = await Served.start()
    await using visit = await Visit.to(served.page)
    await visit.page.locator('#connection[data-state="live"]').waitFor()
    const busy = load(served, 1_500)
    const heights = new Set<number>()
    for (let i = 0; i < 20; i++) {
      const rows = await visit.page.locator('.node').all()
      for (const row of rows) heights.add(Math.round((await row.boundingBox())?.height ?? 0))
    }
    await busy
    expect([...heights]).toHaveLength(1)
  })

  test('shortens a key of a mebibyte in lists, as every long text', slow, async () => {
    await using served = await Served.start()
    await run(async () => {
      await using client = await JobClient.connect('127.0.0.1', served.port)
      for (let i = 0; i < 5; i++)
        await client.command('JOB.ADD', 'sleep', '0', 'KEY', `${i}${'k'.repeat(1_000_000)}`)
    })
    expect((await send(`${served.page}/jobs`)).text.length).toBeLessThan(10_000)
    expect((await send(`${served.page}/snapshot`)).text.length).toBeLessThan(50_000)
  })
})

/** Adds and runs jobs for `ms` milliseconds. */
function load(served: Served, ms: number): Promise<void> {
  return run(async () => {
    await using client = await JobClient.connect('127.0.0.1', served.port)
    const end = performance.now() + ms
    while (performance.now() < end) await client.command('JOB.ADD', 'sleep', '0')
  })
}

async function samplesOf(served: Served): Promise<number> {
  const { samples } = JSON.parse((await send(`${served.page}/snapshot`)).text) as {
    samples: unknown[]
  }
  return samples.length
}

/** The number of jobs that the throughput chart says were added since the page was opened. */
async function chartValue(visit: Visit): Promise<number> {
  const text = await visit.page.locator('#throughput').getAttribute('aria-description')
  return (text ?? '').length
}
