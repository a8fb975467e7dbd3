import {
  Actor,
  ActorSystem,
  AskTimeout,
  child,
  ReplyError,
  silentLogger,
  spawn,
} from '@tasktree/actor'
import { createTask, isCancelled, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, clusterTree, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { idOf, linksOf, outcomeOf, parentOf, record } from './support/recording.ts'

class Account extends Actor {
  #balance = 0

  async deposit(amount: number): Promise<number> {
    await createTask(() => sleep(1), { name: 'store' })
    this.#balance += amount
    return this.#balance
  }
  balance(): number {
    return this.#balance
  }
  refuse(): never {
    throw new ReplyError('not that much')
  }
  async slow(): Promise<void> {
    await sleep(1e6)
  }
}

class Teller extends Actor {
  async pay(amount: number): Promise<number> {
    const account = await spawn(Account)
    const balance = await account.ask.deposit(amount)
    await account.stop()
    return balance
  }
}

test('the span of the handler of an ask is a child of the span of the ask, through two actors', async () => {
  const recording = await record(() =>
    runVirtual(async () => {
      const teller = await spawn(Teller)
      await createTask(() => teller.ask.pay(5), { name: 'customer' })
      await teller.stop()
    }),
  )
  expect(recording.tree()).toEqual([
    'customer',
    '  ask pay',
    '    handle pay',
    '      ask deposit',
    '        handle deposit',
    '          store',
  ])
  expect(recording.find('handle deposit').attributes).toMatchObject({
    'tasktree.actor.method': 'deposit',
    'tasktree.actor.incarnation': 1,
  })
})

test('the handler of a tell begins a trace of its own, with a link to the span of the sender', async () => {
  const recording = await record(() =>
    runVirtual(async () => {
      const account = await spawn(Account)
      await createTask(async () => void account.tell.deposit(5), { name: 'sender' })
      await account.ask.balance()
      await account.stop()
    }),
  )
  const handler = recording.find('handle deposit')
  expect(parentOf(handler)).toBeUndefined()
  expect(linksOf(handler)).toEqual([idOf(recording.find('sender'))])
})

test('a refused ask and a timed-out ask have error spans, and the spans of a cancelled ask do not', async () => {
  const recording = await record(() =>
    runVirtual(async () => {
      const account = await spawn(Account)
      await account.ask.refuse().catch(() => {})
      await expect(account.ask({ timeout: 10 }).slow()).rejects.toThrow(AskTimeout)
      const asker = createTask(() => account.ask.balance())
      await sleep(1)
      asker.cancel()
      await asker.catch(isCancelled)
      await account.stop(10)
    }),
  )
  expect(outcomeOf(recording.find('ask refuse'))).toBe('ERROR ReplyError noted')
  expect(outcomeOf(recording.find('ask slow'))).toBe('ERROR AskTimeout noted')
  expect(outcomeOf(recording.find('ask balance'))).toBe('UNSET cancelled')
  expect(outcomeOf(recording.find('handle slow'))).toBe('UNSET cancelled')
})

const work = {
  square: async (n: number): Promise<number> => {
    await createTask(() => sleep(1), { name: 'multiply' })
    return n * n
  },
}

test('the spans of jobs and asks on NATS are children of the spans of their senders, with links to them', async () => {
  const recording = await record(() =>
    runVirtual(async () => {
      const server = new MemoryServer()
      const { connector } = server
      const far = await ActorSystem.start({
        name: 'far',
        logger: silentLogger,
        children: [
          child.actor('account', Account),
          clusterTree('tree', { connector, node: 'far' }, (handle) => [
            handle.worker('q', { work }, { concurrency: 1 }),
            handle.service('account', () => far.lookup(Account, 'account')),
          ]),
        ],
      })
      await using near = await cluster({ connector, node: 'near' }).connect()
      const { square } = remoteJobs<typeof work>('work')
      const executor = near.executor('q')
      expect(await createTask(() => executor.submit(square, 3), { name: 'submitter' })).toBe(9)
      const account = near.lookup<Account>('account')
      expect(await createTask(() => account.ask.deposit(7), { name: 'asker' })).toBe(7)
      await executor.shutdown()
      await far.stop()
    }),
  )
  expect(recording.tree()).toEqual([
    'submitter',
    '  submit work#square',
    '    run work#square',
    '      multiply',
    'asker',
    '  ask deposit',
    '    serve deposit',
    '      ask deposit',
    '        handle deposit',
    '          store',
  ])
  const running = recording.find('run work#square')
  expect(linksOf(running)).toEqual([idOf(recording.find('submit work#square'))])
  expect(running.parentSpanContext?.isRemote).toBe(true)
  const serving = recording.find('serve deposit')
  expect(linksOf(serving)).toEqual([parentOf(serving)])
})
