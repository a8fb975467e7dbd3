import { readFileSync } from 'node:fs'

/** A line that `fixtures/entity-node.ts` has written. */
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

/** One stretch of time in which a node has run the singleton. */
interface Term {
  readonly node: string
  readonly from: number
  to: number
}

/**
 * The terms of a singleton, from its ticks. A node that ticks again within `gap` milliseconds of its last tick, while no other
 * node has ticked, is still in the same term.
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

/** The longest time in which two nodes have run the singleton, in milliseconds. */
export function longestOverlap(terms: readonly Term[]): number {
  let longest = 0
  for (const [i, one] of terms.entries()) {
    for (const other of terms.slice(i + 1)) {
      if (one.node === other.node) continue
      longest = Math.max(longest, Math.min(one.to, other.to) - Math.max(one.from, other.from))
    }
  }
  return longest
}
