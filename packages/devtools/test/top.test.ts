import { expect, test } from 'vitest'
import { app, cli, hasTmux, start, stop, tmux } from './support.ts'

const session = `tasktree-top-${process.pid}`

/** Quotes a word for the shell in the terminal, because the path of the workspace may contain a space. */
const quoted = (word: string | number): string => `'${word}'`

async function shows(pattern: RegExp): Promise<string> {
  let screen = ''
  for (let looks = 0; looks < 150; looks++) {
    screen = tmux('capture-pane', '-p', '-t', session)
    if (pattern.test(screen)) return screen
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the screen does not show ${String(pattern)}:\n${screen}`)
}

test(
  'top in a terminal follows keys, a change of size, and the end of the process',
  { timeout: 90_000, skip: !hasTmux },
  async () => {
    const target = await start(app('calm.mjs'))
    tmux('new-session', '-d', '-s', session, '-x', '120', '-y', '30')
    try {
      const command = [process.execPath, ...cli, 'top', target.pid, '--every', '0.2']
        .map(quoted)
        .join(' ')
      tmux('send-keys', '-t', session, `${command}; echo "code $?"`, 'Enter')
      let screen = await shows(/consumer +queue 'jobs'/)
      expect(screen).toMatch(/process \d+ {2}loop delay .* turns\/s \d+/)
      expect(screen).toMatch(/tasks \d+: .*waiting/)
      expect(screen).toContain('sort by id')
      tmux('send-keys', '-t', session, 's')
      await shows(/sort by age/)
      tmux('send-keys', '-t', session, 'f')
      await shows(/filter: _/)
      tmux('send-keys', '-t', session, 'consumer', 'Enter')
      screen = await shows(/\[consumer\]/)
      expect(screen).not.toContain('ticker')
      tmux('send-keys', '-t', session, 'p')
      await shows(/go on \(paused\)/)
      tmux('send-keys', '-t', session, 'p', 'f', 'Enter')
      await shows(/ticker/)
      tmux('resize-window', '-t', session, '-x', '60', '-y', '12')
      screen = await shows(/q quit/)
      expect(screen.split('\n').every((line) => line.length <= 60)).toBe(true)
      await stop(target.child)
      await shows(/has ended[\s\S]*code 1/)
    } finally {
      tmux('kill-session', '-t', session)
    }
  },
)

test(
  'the key q ends top and leaves no inspector open in the process',
  { timeout: 60_000, skip: !hasTmux },
  async () => {
    const target = await start(app('calm.mjs'))
    tmux('new-session', '-d', '-s', session, '-x', '100', '-y', '20')
    try {
      const command = [process.execPath, ...cli, 'top', target.pid].map(quoted).join(' ')
      tmux('send-keys', '-t', session, `${command}; echo "code $?"`, 'Enter')
      await shows(/q quit/)
      tmux('send-keys', '-t', session, 'q')
      await shows(/code 0/)
      expect(target.child.exitCode).toBe(null)
    } finally {
      tmux('kill-session', '-t', session)
    }
  },
)
