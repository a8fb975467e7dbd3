import type { ScopeSnapshot, TaskSnapshot } from '@tasktree/core'
import { durationText } from '@tasktree/core/lowlevel'
import pc from 'picocolors'
import type { ThreadSnapshot } from './thread-snapshots.ts'

/** Returns one line that names everything that a task waits for. */
export function waitText(task: TaskSnapshot): string {
  return task.waitingOn
    .map(({ label, note, at }) => {
      const more = note === undefined ? '' : ` (${note})`
      return visible(label + more) + (at === undefined ? '' : pc.dim(` at ${at}`))
    })
    .join(', ')
}

/**
 * Returns `text`, with each control character written as in JSON: a line break becomes `\n`. The name of a task can be any
 * text, and the program may have made it from the input of a user. A line break in the name would break the table, and a
 * control sequence would act on the terminal.
 */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) =>
    character < ' '
      ? JSON.stringify(character).slice(1, -1)
      : `\\u00${character.charCodeAt(0).toString(16)}`,
  )
}

const paint: Record<TaskSnapshot['state'], (text: string) => string> = {
  created: pc.blue,
  running: pc.green,
  ready: pc.cyan,
  waiting: (text) => text,
  done: pc.dim,
}

/** Returns a table with one line for each task: its id, state, age and name, and everything that it waits for. */
export function ps(threads: readonly ThreadSnapshot[]): string {
  const rows = threads.flatMap(({ thread, loops }) =>
    loops.flatMap(({ tasks }) => tasks.map((task) => ({ thread, task }))),
  )
  const cells = rows.map(({ thread, task }) => [
    String(task.id),
    task.state + (task.cancelling > 0 ? '!' : ''),
    durationText(task.age),
    visible(threads.length > 1 ? `${thread}/${task.name}` : task.name),
  ])
  const head = ['ID', 'STATE', 'AGE', 'NAME']
  const widths = head.map((title, i) => {
    const widest = cells.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), title.length)
    return Math.min(40, widest)
  })
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')
  return [
    pc.bold(`${line(head)}  WAITS FOR`),
    ...rows.map(({ task }, i) => paint[task.state](line(cells[i] ?? [])) + `  ${waitText(task)}`),
  ].join('\n')
}

interface Node {
  readonly text: string
  readonly children: Node[]
}

/**
 * Returns the tree of each thread: each task below the task that created it, and then the parts that other packages add to
 * the snapshot, such as pools and actors.
 */
export function pstree(pid: number, threads: readonly ThreadSnapshot[]): string {
  const lines: string[] = []
  for (const thread of threads) {
    const title = thread.thread === 'main' ? `process ${pid}` : `process ${pid}, ${thread.thread}`
    write(lines, { text: pc.bold(visible(title)), children: nodesOf(thread) }, '', '')
  }
  return lines.join('\n')
}

function nodesOf(thread: ThreadSnapshot): Node[] {
  const nodes = thread.loops.flatMap(({ time, tasks }) => treeOf(tasks, time))
  const { task, stack } = thread.running
  if (stack.length > 0) {
    const name = thread.loops.flatMap(({ tasks }) => tasks).find(({ id }) => id === task)?.name
    nodes.unshift({
      text: pc.green(`running now: ${visible(name ?? 'plain code')}`),
      children: stack.map((text) => ({ text: visible(text), children: [] })),
    })
  }
  for (const [name, part] of Object.entries(thread)) {
    if (['time', 'running', 'loops', 'thread'].includes(name) || !Array.isArray(part)) continue
    if (part.length > 0) nodes.push({ text: pc.bold(name), children: part.map(partNode) })
  }
  return nodes
}

/**
 * Makes a node from a part of the snapshot. Other packages add such parts to the result of core's `snapshot()`. A part is
 * plain JSON. Its `root` or its `children` become the children of the node, and all other fields become the text of the
 * node.
 */
function partNode(part: unknown): Node {
  if (typeof part !== 'object' || part === null) {
    return { text: visible(String(part)), children: [] }
  }
  const { root, children = [], ...fields } = part as { root?: unknown; children?: unknown[] }
  const below = root === undefined ? children : [root]
  const text = Object.entries(fields)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('  ')
  return { text: visible(text), children: below.map(partNode) }
}

function treeOf(tasks: readonly TaskSnapshot[], time: number): Node[] {
  const nodes = new Map(
    tasks.map((task) => [task.id, { text: lineOf(task, time), children: [] as Node[] }]),
  )
  const roots: Node[] = []
  for (const task of tasks) {
    const node = nodes.get(task.id) as Node
    const parent = nodes.get(task.parent ?? -1)
    if (parent === undefined || parent === node) roots.push(node)
    else parent.children.push(node)
  }
  return roots
}

function lineOf(task: TaskSnapshot, time: number): string {
  const parts = [`${visible(task.name)} ${pc.dim(`#${task.id}`)}  ${paint[task.state](task.state)}`]
  if (task.cancelling > 0) parts.push(pc.red('cancelling'))
  parts.push(durationText(task.age))
  for (const scope of task.scopes ?? []) parts.push(pc.yellow(scopeText(scope, time)))
  if (task.waitingOn.length > 0) parts.push(waitText(task))
  return parts.join('  ')
}

function scopeText({ kind, name, deadline }: ScopeSnapshot, time: number): string {
  const left =
    deadline === undefined
      ? ''
      : deadline > time
        ? `, ${durationText(deadline - time)} left`
        : ', time over'
  return `[${kind}${name === undefined ? '' : ` ${visible(name)}`}${left}]`
}

/** Writes a tree as lines. Does not use recursion, because a tree may be deeper than the call stack can be. */
function write(lines: string[], root: Node, indent: string, branch: string): void {
  const pending = [{ node: root, indent, branch }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    lines.push(next.indent + next.branch + next.node.text)
    const below = next.indent + (next.branch === '' ? '' : next.branch === '└─ ' ? '   ' : '│  ')
    const { children } = next.node
    for (let i = children.length - 1; i >= 0; i--) {
      const isLast = i === children.length - 1
      pending.push({ node: children[i] as Node, indent: below, branch: isLast ? '└─ ' : '├─ ' })
    }
  }
}
