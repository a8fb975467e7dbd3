/**
 * One process can load several copies of this package: because an upgrade has left the range of another package, because a
 * bundler has put one into its bundle, or because a test runner has reset its modules. Each copy would have its own idea of
 * the current task: a task of one copy that waits on a lock of the other would not see a cancel.
 *
 * So the doors of a copy do not export what that copy has made. They export what the first copy of a compatible version has
 * made, which is found by a key that all copies know. Copies of versions that are not compatible stay apart, and a warning
 * names both. It comes once in a process.
 */

/** What the doors of a copy export, by the name of the door. */
export type Doors = Readonly<Record<string, Readonly<Record<string, unknown>>>>

interface Copy {
  readonly version: string
  readonly path: string
  readonly doors: Doors
}

interface Registry {
  readonly copies: Copy[]
  hasWarned: boolean
}

const key = Symbol.for('@tasktree/core.copies')

/** Below 1.0.0 a minor version is a breaking change. */
function areCompatible(a: string, b: string): boolean {
  const [majorA, minorA] = a.split('.')
  const [majorB, minorB] = b.split('.')
  return majorA === majorB && (majorA !== '0' || minorA === minorB)
}

/** Returns the doors that the copy in `path` must export: those of the first compatible copy, or else its own. */
export function shareDoors(version: string, path: string, doors: Doors): Doors {
  const holder = globalThis as unknown as Record<symbol, Registry | undefined>
  const registry = (holder[key] ??= { copies: [], hasWarned: false })
  const { copies } = registry
  const shared = copies.find((copy) => areCompatible(copy.version, version))
  const other = copies.find((copy) => copy.path !== path)
  if (other !== undefined && !registry.hasWarned) {
    registry.hasWarned = true
    warn(other, version, path, shared !== undefined)
  }
  // A copy that is loaded again, by a test runner, is the same one.
  if (!copies.some((copy) => copy.path === path)) copies.push({ version, path, doors })
  return shared?.doors ?? doors
}

function warn(other: Copy, version: string, path: string, isShared: boolean): void {
  const effect = isShared
    ? `Both use the code of ${other.version}.`
    : 'A cancel does not pass from one to the other.'
  const message =
    `two copies of @tasktree/core are loaded: ${other.version} from ${other.path} and ${version} from ${path}. ${effect} ` +
    'Install one version for all packages (npm ls @tasktree/core shows who needs which).'
  if (typeof process === 'object' && typeof process.emitWarning === 'function') {
    process.emitWarning(message, 'TasktreeWarning')
  }
}
