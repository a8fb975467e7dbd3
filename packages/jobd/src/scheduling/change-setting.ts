import type { ActorContext, ReplyPort } from '@tasktree/actor'
import { passOn } from './pass-on-error.ts'

/** A setting that is stored in the file as a text. */
export interface Setting {
  toString(): string
  parse(text: string | null): void
}

/** The changes that wait until the change before them is written or refused. A setting without such a change has no entry. */
const waiting = new WeakMap<Setting, (() => void)[]>()

/**
 * Changes a setting, and writes it to the file. When it is written, answers and calls `done`. If it cannot be written,
 * restores the setting from before. Changes of one setting follow each other. Otherwise a later change would be written
 * together with an earlier one that was refused, or would bring it back.
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
