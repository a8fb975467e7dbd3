/** Where Tasktree's code comes from, for rules that read types. */
function fromTasktree(name: string, home: string): object {
  return { from: 'package', name, package: `@tasktree/${home}` }
}

/**
 * The options of typescript-eslint's `no-floating-promises` with which it also checks futures. It allows the calls that
 * start a task and leave it to an owner, which reports its failure and ends it.
 */
export const floatingFutures: { checkThenables: boolean; allowForKnownSafeCalls: object[] } = {
  checkThenables: true,
  allowForKnownSafeCalls: [
    fromTasktree('createTask', 'core'),
    fromTasktree('create', 'core'),
    fromTasktree('detached', 'core'),
  ],
}
