/** An example. Its program is the file `<group>/<name>.ts`. */
export interface Example {
  group: 'asyncio' | 'interop'
  name: string
  summary: string
}

function group(group: Example['group'], summaries: Record<string, string>): Example[] {
  return Object.entries(summaries).map(([name, summary]) => ({ group, name, summary }))
}

/** All examples. The examples of the group `asyncio` have the order of the Python document that they come from. */
export const catalogue: readonly Example[] = [
  ...group('asyncio', {
    'hello-loop': 'Hello, world! with an event loop by hand',
    'hello-run': 'Hello, world! with run',
    'await-coroutine': 'await an async function: it runs in the same task',
    'await-future': 'await a future that a timer completes',
    'await-task': 'await a task',
    'sync-primitives': 'Event, Lock, Condition, Semaphore and BoundedSemaphore',
    gather: 'three factorials at once',
    'done-callback': 'call a function when a future is done',
    'done-callback-context': 'the same, with context variables',
    'create-task': 'start a task',
    'ensure-future': 'a future of whatever can be awaited',
    'cancel-task': 'cancel a task that sleeps for an hour',
    'async-with': 'a class that is acquired and released asynchronously',
    'async-for': 'a class that counts asynchronously',
    'run-in-executor': 'the default threads, threads of your own, processes',
    'all-tasks': 'which tasks are there?',
    'priority-queue': 'what is most urgent runs first',
    wait: 'wait for the first to complete, the first to fail, or all',
    'as-completed': 'results in the order in which they come',
    'to-thread': 'run what blocks in a thread',
    'cancel-tasks':
      'cancel a list of tasks from plain code; the exception handler hears the failures',
    'subprocess-shell': 'run a shell command and read what it says',
    'subprocess-shlex': 'take a command line apart and run it without a shell',
    'wait-for': 'eternity, for at most a second',
    'open-connection-timeout': 'open a TCP connection within a time limit',
    sleeper: 'sleeps that can be ended early',
    'generator-coroutines': 'coroutines before async and await: yield*',
    'fetch-urls': 'fetch several URLs concurrently',
    'tcp-echo-server': 'a TCP echo server made of a Protocol; takes a port, 8888 unless given',
    'tcp-echo-client': 'its client; takes the port too',
    drain: 'write to a pipe that its reader has closed',
    'subprocess-class': 'a Python process that lives on: lines in, lines out',
    'task-manager': 'named background tasks',
  }),
  ...group('interop', {
    'grpc-unary': 'gRPC: a unary call that ends with its task, on both sides',
    'grpc-streaming': 'gRPC: streams one way and both ways, cancelled',
    fetch: 'fetch with the signal of the task it runs in',
    undici: 'the same with undici',
    websocket: 'a WebSocket (ws) that closes with its task',
    'trio-nursery': "Trio's nursery and cancel scopes",
    webrtc: 'a WebRTC data channel (werift) inside a task group',
    mcp: 'an MCP server whose cancelled tool call kills its tree of processes',
    'ai-chat': 'a streaming chat (AI SDK) that stops when its client does',
  }),
]
