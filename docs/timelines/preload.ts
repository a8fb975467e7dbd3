// Loaded before a program whose timeline is drawn: gives the program itself, and no other module, the recording `run`.
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    const isProgram = /\[eval\d*\]$/.test(decodeURI(context.parentURL ?? ''))
    return specifier === '@tasktree/core' && isProgram
      ? next(new URL('recorded-core.ts', import.meta.url).href, context)
      : next(specifier, context)
  },
})
