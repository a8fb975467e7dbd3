// Tests throw these values from code that Tasktree calls, for example from the body of a task. Reading a property of such a
// value may itself throw. Tasktree must handle the value without failing.

function refuse(): never {
  throw new Error('do not look at me')
}

function errorWith(property: string | symbol, descriptor: PropertyDescriptor): unknown {
  return Object.defineProperty(new Error('x'), property, descriptor)
}

/** The name of each hostile value, and a function that makes a new one. */
export const hostile: readonly [string, () => unknown][] = [
  [
    'a revoked Proxy',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    },
  ],
  ['a Proxy without a prototype', () => new Proxy(new Error('x'), { getPrototypeOf: refuse })],
  ['a Proxy without members', () => new Proxy({}, { has: refuse, get: refuse })],
  ['an error whose name throws', () => errorWith('name', { get: refuse })],
  ['an error whose message throws', () => errorWith('message', { get: refuse })],
  ['an error whose cause throws', () => errorWith('cause', { get: refuse })],
  [
    'an AbortError whose cause throws',
    () =>
      Object.defineProperties(new Error('x'), {
        name: { value: 'AbortError' },
        cause: { get: refuse },
      }),
  ],
  [
    'a SuppressedError whose error throws',
    () => Object.defineProperty({ name: 'SuppressedError' }, 'error', { get: refuse }),
  ],
  [
    'a SuppressedError that contains itself',
    () => {
      const error = { name: 'SuppressedError', error: {} }
      error.error = error
      return error
    },
  ],
  ['an error whose stack throws', () => errorWith('stack', { get: refuse })],
  ['an error whose name is a symbol', () => errorWith('name', { value: Symbol('name') })],
  [
    'an error that refuses to be shown',
    () => errorWith(Symbol.for('nodejs.util.inspect.custom'), { value: refuse }),
  ],
  ['an object without a prototype', () => Object.create(null)],
  ['an object that refuses to be JSON', () => ({ toJSON: refuse })],
  // oxlint-disable-next-line unicorn/no-thenable -- code may throw anything
  ['a thenable', () => ({ then: (resolve: () => void) => resolve() })],
]
