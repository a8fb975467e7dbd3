import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { run } from '@tasktree/core'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JobClient } from '../src/client/job-client.ts'
import { JobFile } from '../src/store/job-file.ts'
import { findChromium, openContext, withoutChromium } from '../../../vitest.chromium.ts'
import { inFolder } from './support/folder.ts'
import { Served } from './support/served.ts'

const installed = findChromium()
const slow = { tags: ['slow'], timeout: 120_000 }
const many = 50_000

let browser: Browser | null = null

/** Makes a file with `many` finished jobs. Every tenth job has failed, and every third job is of one kind. */
async function fill(file: string): Promise<void> {
  ;(await JobFile.take({ path: file })).release()
  using database = new DatabaseSync(file)
  const now = Date.now()
  database
    .prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${many})
       INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, key, state, attempts, allowed, createdAt, notBefore, startedAt, endedAt, result, resultType, error)
       SELECT CASE i % 3 WHEN 0 THEN 'shell' WHEN 1 THEN 'hash' ELSE 'sleep' END, 'payload ' || i, 0, 0, 0, 0,
         CASE WHEN i = 777 THEN 'needle_key' END, CASE WHEN i % 10 = 0 THEN 'failed' ELSE 'done' END, 1, 1,
         ?1 - (${many} - i) * 60000, ?1, ?1 - i * 1000, ?1 - i * 1000 + i % 5000, 'ok ' || i, 'text',
         CASE WHEN i % 10 = 0 THEN 'disk ' || i || ' is full' END FROM n`,
    )
    .run(now)
}

/** Runs `body` with a server that has many jobs, and with an open page of it. */
function inMany(body: (page: Page, served: Served) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    const file = join(folder, 'many.sqlite')
    await fill(file)
    await using served = await Served.start('--db', file, '--keep-done', 'forever')
    const context = await openContext(browser as Browser)
    const page = await context.newPage()
    await page.goto(served.page)
    await page.locator('#job-rows tr').first().waitFor()
    await body(page, served)
    await context.close()
  })
}

/** Adds `count` jobs that run for a minute. */
function addNaps(served: Served, count: number): Promise<number[]> {
  return run(async () => {
    await using client = await JobClient.connect('127.0.0.1', served.port)
    const ids: number[] = []
    for (let i = 0; i < count; i++) ids.push(await client.add('sleep', '60000'))
    return ids
  })
}

const ids = async (page: Page): Promise<number[]> =>
  page.$$eval('#job-rows tr', (rows) =>
    rows.map((row) => Number((row as unknown as { dataset: { id: string } }).dataset.id)),
  )

describe('the dashboard with 50,000 jobs in Chromium', () => {
  beforeEach(({ skip }) => skip(installed === null, withoutChromium))

  beforeAll(async () => {
    if (installed === null) return
    browser = await chromium.launch(installed)
  }, 60_000)

  afterAll(() => browser?.close())

  test('counts, pages through, searches, filters and sorts the jobs', slow, () =>
    inMany(async (page, served) => {
      const range = page.locator('#range')
      await expect.poll(() => range.innerText()).toBe('1–50 of 50,000')
      expect(await page.locator('#found-failed').innerText()).toBe('5,000')
      expect((await ids(page))[0]).toBe(many)

      // Running jobs come first, even if other jobs were added later.
      const [first] = await addNaps(served, 1)
      await expect.poll(async () => (await ids(page))[0]).toBe(first)

      await page.locator('#next').click()
      await expect.poll(() => range.innerText()).toBe('51–100 of 50,001')
      await page.keyboard.press('Escape')
      await page.locator('#job-rows tr').first().focus()
      await page.keyboard.press('[')
      await expect.poll(() => range.innerText()).toBe('1–50 of 50,001')

      // The searches find a key (with characters that are wildcards in SQL), an error, a number and a payload.
      for (const [text, expected] of [
        ['needle_key', 777],
        ['disk 43210 is full', 43_210],
        ['#31415', 31_415],
        ['payload 27182', 27_182],
      ] as const) {
        await page.fill('#search', text)
        await expect.poll(() => ids(page)).toEqual([expected])
      }
      await page.fill('#search', 'needle%')
      await page.locator('#no-jobs').waitFor()

      await page.fill('#search', 'is full')
      await expect.poll(() => page.locator('#found-failed').innerText()).toBe('5,000')
      expect(await page.locator('#found-done').innerText()).toBe('0')
      await page.selectOption('#shown-kind', 'shell')
      await expect.poll(() => range.innerText()).toBe('1–50 of 1,666')
      await page.selectOption('#shown-time', '3600000')
      await expect.poll(() => page.locator('#found-all').innerText()).toBe('2')
      await page.selectOption('#shown-time', '')
      await page.selectOption('#shown-kind', '')
      await page.fill('#search', '')
      await page.locator('#filter label', { hasText: 'failed' }).click()
      await expect.poll(() => range.innerText()).toBe('1–50 of 5,000')

      await page.locator('#jobs th button[data-sort="id"]').click()
      await page.locator('#jobs th button[data-sort="id"]').click()
      await expect.poll(async () => (await ids(page)).slice(0, 2)).toEqual([10, 20])
      expect(await page.locator('#jobs th').first().getAttribute('aria-sort')).toBe('ascending')

      // A bulk action asks first, and then changes all jobs that the filters leave.
      await page.fill('#search', 'disk 4')
      await expect.poll(() => page.locator('#found-failed').innerText()).toBe('1,111')
      await page.selectOption('#bulk', 'DELETE')
      await page.getByRole('button', { name: 'No' }).click()
      await page.selectOption('#bulk', 'DELETE')
      await page.locator('#confirm-yes').click()
      await page.locator('#notice', { hasText: 'delete: 1,111 jobs' }).waitFor()
      await expect.poll(() => page.locator('#found-failed').innerText()).toBe('0')
    }),
  )

  test('has no serious faults for axe, in light and dark and in both widths', slow, () =>
    inMany(async (page, served) => {
      // The job whose panel is open has had two attempts.
      const last = (await addNaps(served, 3)).at(-1) ?? 0
      await run(async () => {
        await using client = await JobClient.connect('127.0.0.1', served.port)
        await client.cancel(last)
        await client.retry(last)
      })
      await page.locator(`#job-rows tr[data-id="${last}"][data-state="running"]`).click()
      await page.locator('#attempts label', { hasText: '2 running' }).waitFor()
      await page.locator('details.options summary').click()
      for (const width of [1_280, 390])
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize({ width, height: 900 })
          await page.emulateMedia({ colorScheme })
          // `evaluate` runs the code through the debugger, so the content security policy of the page does not stop it.
          await page.evaluate(axe.source)
          const { violations } = await page.evaluate<{
            violations: { id: string; impact: string; nodes: { html: string }[] }[]
          }>('axe.run()')
          const serious = violations.filter(({ impact }) => /serious|critical/.test(impact))
          expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
            width,
          )
        }
    }),
  )

  test(
    'adds jobs by a form with all options and their errors, and changes limits by its controls',
    slow,
    () =>
      inMany(async (page) => {
        await page.selectOption('#kind', 'sleep')
        expect(await page.getAttribute('#payload', 'placeholder')).toBe('milliseconds')
        await page.fill('#payload', 'abc')
        await page.click('#add button')
        await page.locator('#add-error', { hasText: 'expected whole milliseconds' }).waitFor()
        expect(await page.getAttribute('#payload', 'aria-invalid')).toBe('true')
        await page.locator('details.options summary').click()
        await page.fill('#payload', '60000')
        expect(await page.locator('#add-error').innerText()).toBe('')
        for (const [name, value] of [
          ['PRIORITY', '7'],
          ['RETRIES', '2'],
          ['KEY', 'my key'],
          ['GROUP', 'a group'],
        ])
          await page.fill(`#add [name="${name}"]`, value as string)
        await page.click('#add button')
        const row = page.locator(`#job-rows tr[data-id="${many + 1}"]`)
        await row.click()
        for (const text of ['my key', 'a group', '7'])
          await page.locator('#facts dd', { hasText: text }).first().waitFor()

        await page.getByRole('button', { name: 'Pause shell' }).click()
        await page.locator('#kind-rows tr.is-paused', { hasText: 'shell' }).waitFor()
        await page.getByLabel('rate of hash').fill('5/m')
        await page.getByLabel('rate of hash').press('Enter')
        await page.locator('#notice', { hasText: 'hash: rate is changed' }).waitFor()
        await page.getByLabel('rate of hash').fill('many')
        await page.getByLabel('rate of hash').press('Enter')
        await page.locator('#notice', { hasText: 'RATE must be a whole number' }).waitFor()
        await page.fill('#every [name="name"]', 'nightly')
        await page.fill('#every [name="spec"]', 'at night')
        await page.selectOption('#every-kind', 'shell')
        await page.fill('#every [name="payload"]', 'true')
        await page.getByRole('button', { name: 'Add schedule' }).click()
        await page.locator('#every-error', { hasText: 'cannot be used' }).waitFor()
        await page.fill('#every [name="spec"]', '0 3 * * *')
        await page.getByRole('button', { name: 'Add schedule' }).click()
        await page.getByRole('button', { name: 'Remove schedule nightly' }).click()
        await page.locator('#confirm-yes').click()
        await page.locator('#no-schedules').waitFor()
        await page.getByRole('button', { name: 'Pause all' }).click()
        await page.getByRole('button', { name: 'Resume all' }).click()
        await page.getByRole('button', { name: 'Pause all' }).waitFor()
      }),
  )
})
