import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { slowTimeout } from './vitest.timeouts.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The reason that a report shows for the skipped browser tests when `findChromium` finds no Chromium. */
export const withoutChromium = 'there is no Chromium on PATH or in CHROMIUM_PATH'

/** The options with which Playwright launches a Chromium. */
interface LaunchOptions {
  readonly executablePath: string
  readonly args: string[]
}

/**
 * Opens a new context of a Playwright browser. Each wait in the context gets the time limit of a slow test, because on a busy
 * machine a shorter limit would fail although nothing is wrong. The parameter's type is structural, because only some packages
 * depend on Playwright.
 */
export async function openContext<Options, Context extends { setDefaultTimeout(ms: number): void }>(
  browser: { newContext(options?: Options): Promise<Context> },
  options?: Options,
): Promise<Context> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(slowTimeout)
  return context
}

/** Looks for a Chromium in CHROMIUM_PATH and on the path. Returns how to launch it, or null when there is none. */
export function findChromium(): LaunchOptions | null {
  const executablePath = findExecutable()
  if (executablePath === null) return null
  // Chromium refuses to start with its sandbox when the user is root.
  return { executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] }
}

function findExecutable(): string | null {
  const given = process.env['CHROMIUM_PATH']
  if (given !== undefined && given !== '') return given
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return candidates.find(isExecutable) ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
