/** Values that JSON leaves out of an object, and writes as null in an array. */
type LeftOut = undefined | symbol | ((...args: never[]) => unknown)

type Kept<V> = [Exclude<V, LeftOut>] extends [never] ? false : true

/** The properties that are always written, and those that may be left out. Symbols as keys are never written. */
type JsonObject<T> = {
  [
    K in keyof T as K extends symbol ? never : Extract<T[K], LeftOut> extends never ? K : never
  ]: JsonForm<T[K]>
} & {
  [
    K in keyof T as K extends symbol
      ? never
      : Extract<T[K], LeftOut> extends never
        ? never
        : Kept<T[K]> extends true
          ? K
          : never
  ]?: JsonForm<Exclude<T[K], LeftOut>>
}

type Flat<T> = { [K in keyof T]: T[K] }

type JsonElement<V> = V extends LeftOut ? null : JsonForm<V>

/**
 * The type of a value after it was written as JSON and read again. A Date becomes a string, a Map `{}`, and a property that
 * holds a function is left out. It is `never` for what JSON refuses, such as a bigint.
 *
 * @example
 *     const form: JsonForm<{ at: Date; of: Map<string, number>; n?: number }> = { at: '2026-01-01', of: {} }
 *     console.log(form.at) // 2026-01-01
 */
export type JsonForm<T> = 0 extends 1 & T
  ? T
  : unknown extends T
    ? unknown
    : T extends string | number | boolean | null | undefined
      ? T
      : T extends bigint | LeftOut
        ? never
        : T extends { toJSON: (...args: never[]) => infer J }
          ? JsonForm<J>
          : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
            ? Record<string, never>
            : T extends ArrayBufferView & ArrayLike<number>
              ? Record<string, number>
              : T extends readonly unknown[]
                ? { [I in keyof T]: JsonElement<T[I]> }
                : T extends object
                  ? Flat<JsonObject<T>>
                  : undefined
