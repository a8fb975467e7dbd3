import { defineKinds, type JobClient, type JsonForm, type ResultOf } from '@tasktree/jobd'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Any = ReturnType<typeof JSON.parse>
function check<_T extends true>(): void {}

const kinds = defineKinds({
  plain: {
    run: (text, ctx) => {
      check<Equal<typeof text, string>>()
      check<Equal<typeof ctx.attempt, number>>()
      return text.length
    },
  },
  annotated: { retries: 1, run: async (text: string) => ({ text }) },
  parsed: {
    parse: (text: string) => ({ n: Number(text) }),
    run: ({ n }) => {
      check<Equal<typeof n, number>>()
      return {
        at: new Date(n),
        all: new Map([[n, n]]),
        skip: () => n,
        maybe: n > 1 ? n : undefined,
      }
    },
  },
  classy: { parse: (text: string) => new URL(text), run: (url) => url },
  refusing: {
    parse: (text: string) => {
      if (text === '') throw new Error('empty')
      return text
    },
    run: (text) => {
      check<Equal<typeof text, string>>()
    },
  },
  anything: { parse: (text: string): Any => JSON.parse(text), run: (value) => value.x as number },
  unsure: {
    parse: (text: string): unknown => JSON.parse(text),
    run: (value: unknown) => typeof value,
  },
  nothing: { run: () => {} },
})

type Client = JobClient<typeof kinds>
type Result<N extends keyof typeof kinds> = ResultOf<(typeof kinds)[N]>
check<Equal<Result<'plain'>, number>>()
check<Equal<Result<'annotated'>, { text: string }>>()
check<Equal<Result<'parsed'>, { at: string; all: Record<string, never>; maybe?: number }>>()
check<Equal<Result<'classy'>, string>>()
check<Equal<Result<'nothing'>, undefined>>()
declare const client: Client
async function use(): Promise<void> {
  const { at } = await client.run('parsed', '1')
  check<Equal<typeof at, string>>()
  // @ts-expect-error there is no such kind
  await client.run('none')
}
void use

// @ts-expect-error without parse the payload is a text
defineKinds({ wrong: { run: (n: number) => n } })
// @ts-expect-error parse returns a number
defineKinds({ wrong: { parse: (text: string) => Number(text), run: (text: string) => text } })
// @ts-expect-error parse must not be asynchronous
defineKinds({ wrong: { parse: async (text: string) => Number(text), run: () => 1 } })
// @ts-expect-error parse must not be asynchronous for some texts either
defineKinds({ wrong: { parse: (t: string) => (t === '' ? 1 : Promise.resolve(1)), run: () => 1 } })
// @ts-expect-error parse returns unknown, so the payload of run is not known to be a text
defineKinds({ wrong: { parse: (text: string): unknown => JSON.parse(text), run: (t) => t.length } })

// @ts-expect-error the parameter of parse needs its type, or the type of its result is not known in time
defineKinds({ wrong: { parse: (text) => Number(text), run: (n) => n } })

defineKinds({
  steps: {
    run: async (_, ctx) => {
      const date = await ctx.step('date', () => new Date(0))
      check<Equal<typeof date, string>>()
      const rows = await ctx.step('rows', async () => [1, 2])
      check<Equal<typeof rows, number[]>>()
      const none = await ctx.step('none', () => {})
      check<Equal<typeof none, undefined>>()
    },
  },
})

interface Tree {
  readonly name: string
  at?: Date
  children: Tree[]
}
declare const tree: JsonForm<Tree>
check<Equal<(typeof tree)['at'], string | undefined>>()
check<Equal<(typeof tree)['children'][number]['name'], string>>()
check<Equal<JsonForm<[1, undefined, () => void, Date]>, [1, null, null, string]>>()
check<Equal<JsonForm<bigint>, never>>()
check<Equal<JsonForm<() => void>, never>>()
check<Equal<JsonForm<Set<string> | null>, Record<string, never> | null>>()
check<Equal<JsonForm<Uint8Array>, Record<string, number>>>()
check<Equal<JsonForm<{ a: unknown; b: Any; [Symbol.iterator]: 1 }>, { a: unknown; b: Any }>>()
check<Equal<JsonForm<string | undefined>, string | undefined>>()
check<Equal<JsonForm<'a' | 1 | true>, 'a' | 1 | true>>()
