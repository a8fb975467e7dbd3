import type { Job } from './job.ts'

/** Of a long text lists and messages show so many characters. */
export const longestShown = 1_024

/** The job with its long texts cut: many may be held for who is slow to read them. */
export function shorten(job: Job): Job {
  const { payload, result, error } = job
  return {
    ...job,
    payload: cut(payload),
    result: result === null ? null : cut(result),
    error: error === null ? null : cut(error),
  }
}

/** By way of bytes: a slice would keep the whole text in memory. */
function cut(text: string): string {
  return text.length <= longestShown
    ? text
    : Buffer.from(text.slice(0, longestShown), 'utf16le').toString('utf16le')
}
