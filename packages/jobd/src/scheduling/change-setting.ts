import type { ActorContext, ReplyPort } from '@tasktree/actor'
import { passOn } from './pass-on-error.ts'

/** A setting that is stored in the jobs' file as a text. */
export interface Setting {
  toString(): string
  parse(text: string | null): void
}

/**
 * For each setting that is being changed: the further changes of the setting, which wait until the change before them
 * is written or refused.
 */
const waiting = new WeakMap<Setting, (() => void)[]>()

/**
 * Changes a setting, and writes it to the jobs' file. When the setting is written, answers the caller and calls `done`.
 * If the setting cannot be written, restores its value from before the change. A change begins only after the earlier
 * changes of the same setting are written or refused. Otherwise a later change would be written together with an
 * earlier change that is refused, or would restore a value that contains the refused change.
 */
export function changeSetting<S extends Setting>(
  setting: S,
  change: (setting: S) => void,
  write: (text: string) => PromiseLike<void>,
  ctx: ActorContext,
  done: () => void,
): ReplyPort<void> {
  const port = ctx.reply<void>()
  const begin = (): void => {
    const before = setting.toString()
    change(setting)
    ctx.pipe(
      write(setting.toString()),
      () => {
        port.resolve()
        beginNext(setting)
        done()
      },
      (error) => {
        setting.parse(before)
        port.reject(passOn(error))
        beginNext(setting)
      },
    )
  }
  const line = waiting.get(setting)
  if (line === undefined) {
    waiting.set(setting, [])
    begin()
  } else line.push(begin)
  return port
}

function beginNext(setting: Setting): void {
  const next = waiting.get(setting)?.shift()
  if (next === undefined) waiting.delete(setting)
  else next()
}
