import { beforeAll, expect, test } from 'vitest'
import { catalogue } from '../src/catalogue.ts'
import { type ExampleRun, runExamples } from './support/example-run.ts'
import { recorded, stable } from './support/python-original.ts'

/** The lines that each example prints. The code that the cancel must reach prints a line when the cancel arrives there. */
const outputs: Record<string, string[]> = {
  'grpc-unary': [
    'client: 1 + 2 = 3',
    'server: this will take an hour',
    'client: the task was cancelled',
    'server: the cancel has arrived',
  ],
  'grpc-streaming': [
    'counted 1',
    'counted 2',
    'counted 3',
    'client: the task was cancelled',
    'server: the cancel has arrived',
    'doubled: 42',
    'server: this will take an hour',
    'client: the task was cancelled',
    'server: the cancel has arrived',
  ],
  fetch: [
    'client: hello',
    'client: the task was cancelled',
    'server: the client of /silent has gone',
    'client: out of time',
    'server: the client of /endless has gone',
  ],
  undici: [
    'client: hello',
    'client: the task was cancelled',
    'server: the client of /silent has gone',
    'client: the task was cancelled',
    'server: the client of /endless has gone',
  ],
  websocket: [
    'client: HELLO',
    'server: this will take an hour',
    'server: closed with 1001, the client leaves',
    'server: the cancel has arrived',
    'client: the task was cancelled',
  ],
  webrtc: [
    'near: HELLO',
    'far: this will take an hour',
    'near: somebody else has failed',
    'far: the cancel has arrived',
  ],
  mcp: [
    'server: 3 processes run',
    'client: the call was cancelled',
    'server: the cancel has arrived',
    'server: no process is left',
  ],
  'ai-chat': ['client: stopped after word 1 word 2 word 3', 'model: the cancel has arrived'],
  // These lines were recorded from the original under Trio.
  'trio-nursery': stable(recorded('interop/trio-nursery')).trimEnd().split('\n'),
}

const names = catalogue.filter(({ group }) => group === 'interop').map(({ name }) => name)

let runs: Map<string, ExampleRun>
beforeAll(async () => {
  runs = await runExamples(names)
}, 600_000)

test.each(names)(
  'the example %s prints the lines that show that the cancel reaches the other side',
  (name) => {
    const { code, stdout, stderr } = runs.get(name)!
    expect({ code, lines: stdout.trimEnd().split('\n'), stderr }).toEqual({
      code: 0,
      lines: outputs[name],
      stderr: '',
    })
  },
)
