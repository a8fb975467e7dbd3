/**
 * One process can load several copies of this package: because two packages require versions that npm cannot unite,
 * because a bundler has put a copy into a bundle, or because a test runner has loaded the modules again. Each copy
 * would have its own variable for the current task. So if a task made by one copy waits for a lock made by another
 * copy, a cancel would not end that wait.
 *
 * Therefore the entry points of each copy export the functions and classes of the first loaded copy with a compatible
 * version. The copies find each other through a property of `globalThis`, which each thread has for itself. Copies
 * whose versions are not compatible work separately. One warning per thread names the versions and the folders of the
 * first two copies.
 */

/**
 * What one copy of the package exports: for the name of each entry point, an object with the exports of that entry
 * point.
 */
export type EntryPoints = Readonly<Record<string, Readonly<Record<string, unknown>>>>

interface Copy {
  readonly version: string
  readonly path: string
  readonly entryPoints: EntryPoints
}

interface Registry {
  readonly copies: Copy[]
  hasWarned: boolean
}

const key = Symbol.for('@tasktree/core.copies')

/**
 * Whether two versions are compatible: both must have the same major version. Below 1.0.0 both must also have the same
 * minor version, because a new minor version may then break programs.
 */
function areCompatible(a: string, b: string): boolean {
  const [majorA, minorA] = a.split('.')
  const [majorB, minorB] = b.split('.')
  return majorA === majorB && (majorA !== '0' || minorA === minorB)
}

/**
 * Returns the exports that the copy in the folder `path` must offer. These are the exports of the first loaded copy
 * with a compatible version. If no such copy was loaded before, they are `entryPoints`, the own exports of the copy in
 * `path`.
 */
export function shareEntryPoints(
  version: string,
  path: string,
  entryPoints: EntryPoints,
): EntryPoints {
  const holder = globalThis as unknown as Record<symbol, Registry | undefined>
  const registry = (holder[key] ??= { copies: [], hasWarned: false })
  const { copies } = registry
  const shared = copies.find((copy) => areCompatible(copy.version, version))
  const other = copies.find((copy) => copy.path !== path)
  if (other !== undefined && !registry.hasWarned) {
    registry.hasWarned = true
    warn(other, version, path, shared !== undefined)
  }
  // A test runner may load the same file again. This does not count as another copy.
  if (!copies.some((copy) => copy.path === path)) copies.push({ version, path, entryPoints })
  return shared?.entryPoints ?? entryPoints
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
