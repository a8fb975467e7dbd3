/** Where Tasktree's code comes from, for rules that read types. */
function fromTasktree(name: string, home: string): object {
  return { from: 'package', name, package: `@tasktree/${home}` }
}

/**
 * Options for the rule `no-floating-promises` of typescript-eslint, with which the rule also reports a future that is not
 * awaited. A call of `createTask`, `create` or `detached` is not reported: the loop or the TaskManager reports the failure
 * of the new task, and ends the task.
 */
export const floatingFutures: { checkThenables: boolean; allowForKnownSafeCalls: object[] } = {
  checkThenables: true,
  allowForKnownSafeCalls: [
    fromTasktree('createTask', 'core'),
    fromTasktree('create', 'core'),
    fromTasktree('detached', 'core'),
  ],
}
