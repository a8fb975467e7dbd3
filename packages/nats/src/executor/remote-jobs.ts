import type { JobRefs } from '@tasktree/executor'
import { moduleName, referTo } from '@tasktree/executor/lowlevel'

/**
 * References to the functions of a module that workers know as `id`, for programs that do not have the module at hand.
 * With `version`, only workers that have `id@version` run them.
 *
 * @throws {TypeError} for an `id` or a `version` that is not a name
 *
 * @example
 * const { resize } = remoteJobs<typeof import('./images.js')>('images')
 */
export function remoteJobs<M>(id: string, options: { version?: string } = {}): JobRefs<M> {
  return referTo<M>(null, moduleName(id, options.version))
}
