/** The names of the members that every actor has, and that no message can call. */
export const reservedNames: ReadonlySet<string> = new Set([
  'constructor',
  'ctx',
  'onStart',
  'onStop',
  'onDown',
  'onUndelivered',
])
