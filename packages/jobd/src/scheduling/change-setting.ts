import type { ActorContext, ReplyPort } from '@tasktree/actor'
import { passOn } from './pass-on-error.ts'

/** A setting that is stored in the file as a text. */
export interface Setting {
  toString(): string
  parse(text: string | null): void
}

/**
 * Changes a setting at once, and writes it to the file. When it is written, answers and calls `done`. If it cannot be
 * written, restores the setting from before.
 */
export function changeSetting<S extends Setting>(
  setting: S,
  change: (setting: S) => void,
  write: (text: string) => PromiseLike<void>,
  ctx: ActorContext,
  done: () => void,
): ReplyPort<void> {
  const port = ctx.reply<void>()
  const before = setting.toString()
  change(setting)
  ctx.pipe(
    write(setting.toString()),
    () => {
      port.resolve()
      done()
    },
    (error) => {
      setting.parse(before)
      port.reject(passOn(error))
    },
  )
  return port
}
