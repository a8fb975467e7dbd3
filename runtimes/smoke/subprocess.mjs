// Tests that processes run, that their output arrives, and that they end when their task is cancelled.
import assert from 'node:assert/strict'
import { createTask, run as runLoop, sleep, wait } from '../../packages/core/dist/index.js'
import {
  $,
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  FileNotFoundError,
  ManagedProcess,
  PIPE,
  run,
  shlex,
  STDOUT,
  TimeoutExpired,
} from '../../packages/subprocess/dist/index.js'

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

await runLoop(async () => {
  const text = { encoding: 'utf8' }
  assert.equal((await run('echo', ['hi'], text)).stdout, 'hi\n')
  const failed = await run('sh', ['-c', 'echo why >&2; exit 3'], text)
  assert.deepEqual([failed.returncode, failed.stderr], [3, 'why\n'])
  const input = Buffer.alloc(4_000_000, 'x')
  assert.ok((await run('cat', [], { input })).stdout.equals(input))
  await assert.rejects(run('no-such-program'), FileNotFoundError)
  await assert.rejects(run('sleep', ['60'], { timeout: 30 }), TimeoutExpired)
  // `run` does not wait for a grandchild that still holds the pipe open.
  assert.equal((await run('sh', ['-c', 'sleep 3 & echo hi'], text)).stdout, 'hi\n')

  const merged = await createSubprocessShell('echo one; echo two >&2', {
    stdin: DEVNULL,
    stdout: PIPE,
    stderr: STDOUT,
  })
  assert.equal(String((await merged.communicate())[0]), 'one\ntwo\n')

  assert.equal(await $`printf ${'b\na\n'}`.pipe($`sort`).text(), 'a\nb\n')
  let seen = 0
  for await (const line of $`yes`.lines()) {
    assert.equal(line, 'y')
    if (++seen === 1_000) break
  }
  assert.deepEqual(shlex.split(shlex.join(['a b', "c'd"])), ['a b', "c'd"])

  const pids = []
  const task = createTask(async () => {
    const child = await createSubprocessShell('sleep 60 & echo $!; wait', { stdout: PIPE })
    pids.push(child.pid, Number(await child.stdout.readLine()))
    await child.wait()
  })
  while (pids.length < 2) await sleep(5)
  task.cancel()
  await wait([task])
  assert.ok(task.cancelled())
  assert.ok(!isAlive(pids[0]))

  const owned = []
  const owner = createTask(async () => {
    owned.push(await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL }))
    await sleep(60_000)
  })
  while (owned.length === 0) await sleep(5)
  owner.cancel()
  assert.equal(await owned[0].wait(), -15)

  const lines = []
  const managed = new ManagedProcess('sh', ['-c', 'echo ready; read line; echo got $line'], {
    onStdout: (line) => void lines.push(line),
    ready: /ready/,
  })
  await managed.start()
  await managed.write('this')
  assert.equal(await managed.wait(), 0)
  assert.deepEqual(lines, ['ready', 'got this'])
})
