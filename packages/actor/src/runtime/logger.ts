/** Where a system writes what an operator should see. `console` is one. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void
  info(message: string, ...details: unknown[]): void
  warn(message: string, ...details: unknown[]): void
  error(message: string, ...details: unknown[]): void
}

/** Warnings and errors go to the console: a restart must be visible without any set-up. */
export const consoleLogger: Logger = {
  debug: () => {},
  info: () => {},
  // oxlint-disable-next-line eslint/no-console -- the default for programs without a logger
  warn: (message, ...details) => console.warn(message, ...details),
  // oxlint-disable-next-line eslint/no-console -- the same
  error: (message, ...details) => console.error(message, ...details),
}

export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}
