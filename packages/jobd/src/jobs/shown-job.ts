import type { Job } from './job.ts'

/** Lists and messages show at most this many characters of a text. */
export const longestShown = 1_024

/** The texts of a job whose length a client decides. */
const texts = ['payload', 'key', 'group', 'result', 'error'] as const

/**
 * Returns the job with its long texts shortened, because many such jobs may wait in memory for a client that reads
 * slowly.
 */
export function shorten(job: Job): Job {
  const short = { ...job }
  for (const name of texts) {
    const text = job[name]
    if (text !== null && text.length > longestShown) short[name] = cut(text)
  }
  return short
}

/** Copies the beginning of a text through a buffer, because a slice of a string keeps the whole string in memory. */
function cut(text: string): string {
  return Buffer.from(text.slice(0, longestShown), 'utf16le').toString('utf16le')
}
