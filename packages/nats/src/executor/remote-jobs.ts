import type { JobRefs } from '@tasktree/executor'
import { moduleName, referTo } from '@tasktree/executor/lowlevel'

/**
 * Returns references to the functions of a module that workers know by the name `id`, for programs that do not have the
 * module. With `version`, only workers that have `id@version` run the jobs.
 *
 * @throws {TypeError} for an `id` or a `version` that is not a name
 *
 * @example
 *     const { resize } = remoteJobs<{ resize: (name: string) => string }>('images', { version: '2' })
 *     console.log(resize.id) // images@2#resize
 */
export function remoteJobs<M>(id: string, options: { version?: string } = {}): JobRefs<M> {
  return referTo<M>(null, moduleName(id, options.version))
}
