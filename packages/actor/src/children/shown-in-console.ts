/** The key of the method that the console of Node, Bun and Deno calls to show an object. */
export const shownInConsole: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never
