import type { Job } from './job.ts'

/** Of a long text lists and messages show this many characters. */
export const longestShown = 1_024

/** The texts of a job that a client may make as long as it likes. */
const texts = ['payload', 'key', 'group', 'result', 'error'] as const

/** The job with its long texts cut, because many such jobs may be held for a client that is slow to read them. */
export function shorten(job: Job): Job {
  const short = { ...job }
  for (const name of texts) {
    const text = job[name]
    if (text !== null && text.length > longestShown) short[name] = cut(text)
  }
  return short
}

/** By way of bytes, because a slice would keep the whole text in memory. */
function cut(text: string): string {
  return Buffer.from(text.slice(0, longestShown), 'utf16le').toString('utf16le')
}
