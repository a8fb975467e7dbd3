import { readFileSync } from 'node:fs'

/** A line of the log to which `fixtures/entity-node.ts` writes. */
export interface Note {
  readonly node: string
  readonly what: string
  /** Unix time in milliseconds. All nodes of a test are on one machine, so their times can be compared. */
  readonly at: number
  readonly detail: string
}

export function readLog(file: string): Note[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => {
    const [node = '', what = '', at = '', detail = ''] = line.split(' ')
    return { node, what, at: Number(at), detail }
  })
}

/** A period in which a node has run the singleton without a break. */
interface Term {
  readonly node: string
  readonly from: number
  to: number
}

/**
 * Finds the terms of a singleton from its ticks in the log. If a node ticks again within `gap` milliseconds, and no other node
 * has ticked in between, then the node is still in the same term.
 */
export function termsOf(notes: readonly Note[], gap: number): Term[] {
  const terms: Term[] = []
  for (const { node, what, at } of notes.toSorted((a, b) => a.at - b.at)) {
    if (what !== 'tick') continue
    const own = terms.findLast((term) => term.node === node)
    if (own !== undefined && at - own.to <= gap) own.to = at
    else terms.push({ node, from: at, to: at })
  }
  return terms
}

/**
 * Returns the largest number of ticks that a node has made while another node ran the singleton. For two terms that overlap, it
 * counts the ticks of the shorter term within the overlap. It counts ticks and measures no time, because a busy machine may
 * stop a process for any time between two ticks.
 */
export function mostStrayTicks(notes: readonly Note[], gap: number): number {
  const terms = termsOf(notes, gap).toSorted((a, b) => a.to - a.from - (b.to - b.from))
  let most = 0
  for (const [i, shorter] of terms.entries()) {
    for (const longer of terms.slice(i + 1)) {
      if (shorter.node === longer.node) continue
      const [from, to] = [Math.max(shorter.from, longer.from), Math.min(shorter.to, longer.to)]
      const ticks = notes.filter(
        ({ node, what, at }) => node === shorter.node && what === 'tick' && from <= at && at <= to,
      )
      most = Math.max(most, ticks.length)
    }
  }
  return most
}
