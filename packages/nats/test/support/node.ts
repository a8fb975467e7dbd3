import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

function programOf(role: string): string {
  const file = role === 'entities' || role === 'singleton' ? 'entity-node' : 'node'
  return fileURLToPath(new URL(`../fixtures/${file}.ts`, import.meta.url))
}

/** A node of the cluster in a separate process, which a test can kill and pause. */
export class Node implements AsyncDisposable {
  readonly child: ChildProcess

  constructor(child: ChildProcess) {
    this.child = child
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill('SIGKILL')
    this.child.kill('SIGCONT')
    await once(this.child, 'exit')
  }
}

/**
 * Starts `fixtures/node.ts` or `fixtures/entity-node.ts` in a role with options, and resolves when the node is ready. `command` is
 * the beginning of the command line if Node is started by another program.
 */
export async function startNode(
  role: string,
  options: object,
  command: readonly string[] = [],
): Promise<Node> {
  const [file, ...args] = [
    ...command,
    process.execPath,
    '--conditions=@tasktree/source',
    programOf(role),
    role,
    JSON.stringify({ powerLossWarning: false, ...options }),
  ]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the node ${role} ended before it was ready`)
  })
  await Promise.race([once(child.stdout, 'data'), ended])
  ended.catch(() => {})
  return new Node(child)
}
