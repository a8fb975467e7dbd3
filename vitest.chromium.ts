import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { slowTimeout } from './vitest.timeouts.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Why tests in a browser are skipped where `findChromium` finds none. */
export const withoutChromium = 'there is no Chromium on PATH or in CHROMIUM_PATH'

/** The options with which Playwright launches a Chromium. */
interface LaunchOptions {
  readonly executablePath: string
  readonly args: string[]
}

/**
 * Opens a context of a browser, in which a wait ends with its test, not before. The types are those of Playwright, which only
 * some packages have.
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
  // Where tests run as root there is no sandbox.
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
