import { run } from '@tasktree/subprocess'
import { expect, test } from 'vitest'

/** The number of bytes: 128 MiB by default. SUBPROCESS_BYTES=1073741824 runs the test with 1 GiB. */
const size = Number(process.env['SUBPROCESS_BYTES'] ?? 128 * 1_024 * 1_024)
const spare = 160 * 1_024 * 1_024

test(
  'run passes large input and output through a child with little more memory than the output',
  { tags: ['slow'] },
  async () => {
    const input = Buffer.allocUnsafeSlow(size)
    // Each four bytes of the input hold their own position.
    const words = new Uint32Array(input.buffer)
    for (let i = 0; i < words.length; i++) words[i] = i
    const before = process.memoryUsage.rss()
    let peak = before
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5)
    const { stdout, returncode } = await run('cat', [], { input })
    clearInterval(watch)
    peak = Math.max(peak, process.memoryUsage.rss())
    expect(returncode).toBe(0)
    expect(stdout.equals(input)).toBe(true)
    expect(peak - before).toBeLessThan(size + spare)
  },
)
