/** Describes a function of Tasktree in the form in which the rules of typescript-eslint take it. */
function fromTasktree(name: string, home: string): object {
  return { from: 'package', name, package: `@tasktree/${home}` }
}

/**
 * Options for the rule `no-floating-promises` of typescript-eslint, with which the rule also reports a future that is not
 * awaited. A call of `createTask`, `create` or `detached` is not reported, because the loop or the TaskManager reports a failure
 * of the new task, and cancels the task when the loop or the manager ends.
 */
export const floatingFutures: { checkThenables: boolean; allowForKnownSafeCalls: object[] } = {
  checkThenables: true,
  allowForKnownSafeCalls: [
    fromTasktree('createTask', 'core'),
    fromTasktree('create', 'core'),
    fromTasktree('detached', 'core'),
  ],
}
