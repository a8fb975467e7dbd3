import {
  Actor,
  type ActorRef,
  type ChildRef,
  type LocalActorRef,
  type ActorSystem,
  child,
  type ReplyPort,
  spawn,
  SupervisorRef,
} from '@tasktree/actor'
import type { Future } from '@tasktree/core'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function is<T extends true>(): T {
  return true as T
}

class Account extends Actor {
  balance = 0
  readonly owner: string
  constructor(owner: string, start: number = 0) {
    super()
    this.owner = owner
    this.balance = start
  }
  protected override async onStart(): Promise<void> {}
  override onStop(): void {}
  protected audit(): void {}
  deposit(amount: number): number {
    this.balance += amount
    return this.balance
  }
  async history(limit?: number): Promise<string[]> {
    return [String(limit)]
  }
  later(): ReplyPort<boolean> {
    return this.ctx.reply<boolean>()
  }
}

class Plain extends Actor {
  noop(): void {}
}

class Rich extends Account {
  overloaded(key: string): string
  overloaded(key: number, twice: boolean): number
  overloaded(key: string | number): string | number {
    return key
  }
  generic<K extends 'a' | 'b'>(key: K): K[] {
    return [key]
  }
  optional?(): void
  get getter(): () => void {
    return () => {}
  }
  arrow = (): string => 'arrow'
  async selfTyped(): Promise<number> {
    const { self } = this.ctx
    const asked = self.ask.deposit(1)
    is<Equal<typeof asked, Future<number>>>()
    void self.ask({ timeout: 10 }).history()
    void self.tell.deposit(1)
    // @ts-expect-error a wrong argument
    void self.ask.deposit('1')
    // @ts-expect-error a hook is not a message
    void self.ask.onStop()
    takesAccount(self)
    takesAccount(self.pinned())
    const own: LocalActorRef<Rich> = self
    void own.ask.selfTyped()
    return asked
  }
}

function takesAccount(account: LocalActorRef<Account>): void {
  void account
}

export async function typed(system: ActorSystem): Promise<void> {
  const account = await spawn(Account, ['ann'])
  is<Equal<typeof account, LocalActorRef<Account>>>()
  const deposited = account.ask.deposit(5)
  is<Equal<typeof deposited, Future<number>>>()
  const history = account.ask({ timeout: 10 }).history(3)
  is<Equal<typeof history, Future<string[]>>>()
  const later = account.ask.later()
  is<Equal<typeof later, Future<boolean>>>()
  const told = account.tell.deposit(1)
  is<Equal<typeof told, Future<boolean>>>()

  // @ts-expect-error a wrong argument
  void account.ask.deposit('5')
  // @ts-expect-error a missing argument
  void account.tell.deposit()
  // @ts-expect-error a hook is not a message, even if its override has made it public
  void account.ask.onStop()
  // @ts-expect-error a hook is not a message
  void account.ask.onStart()
  // @ts-expect-error protected members are not messages
  void account.tell.audit()
  // @ts-expect-error a field is not a message
  void account.ask.balance
  // @ts-expect-error there is no such method
  void account.ask.withdraw(1)
  // @ts-expect-error there is no such option
  void account.ask({ timeuot: 1 })

  await spawn(Plain)
  // @ts-expect-error its constructor needs an owner
  await spawn(Account)
  // @ts-expect-error the owner is a string
  await spawn(Account, [5])
  // @ts-expect-error no such overflow policy
  await spawn(Plain, [], { mailbox: { overflow: 'explode' } })

  const spec = child.actor('a', Account, () => ['bob', 10])
  // @ts-expect-error no such restart type
  void child.actor('a', Plain, [], { restart: 'always' })
  const started = await system.root.startChild(spec)
  is<Equal<typeof started, LocalActorRef<Account>>>()
  const dynamic = await system.root.startChild(child.dynamic('d'))
  is<Equal<typeof dynamic, SupervisorRef>>()
  const pool = await system.root.startChild(child.resource('p', () => new AsyncDisposableStack()))
  is<Equal<typeof pool.value, AsyncDisposableStack>>()

  const rich = await spawn(Rich, ['ann'])
  const text = rich.ask.overloaded('key')
  is<Equal<typeof text, Future<string>>>()
  const number = rich.ask.overloaded(1, true)
  is<Equal<typeof number, Future<number>>>()
  // @ts-expect-error no overload takes one number
  void rich.ask.overloaded(1)
  void rich.tell.overloaded('key')
  void rich.tell.overloaded(1, true)
  const generic = rich.ask.generic('a')
  is<Equal<typeof generic, Future<('a' | 'b')[]>>>()
  void rich.ask.arrow()
  // @ts-expect-error a getter is not a message
  void rich.ask.getter()
  takesAccount(rich)

  const found = system.lookup(Account, 'a')
  is<Equal<typeof found, LocalActorRef<Account> | null>>()
  const supervisor = system.lookup(SupervisorRef, 'd')
  is<Equal<typeof supervisor, SupervisorRef | null>>()
  const typed = system.root.child('a', Account)
  is<Equal<typeof typed, LocalActorRef<Account> | null>>()
  const inner = system.root.child('d', SupervisorRef)
  is<Equal<typeof inner, SupervisorRef | null>>()
  const untyped = system.root.child('a')
  is<Equal<typeof untyped, ChildRef | null>>()

  class Finds extends Actor {
    find(): ActorRef<Account> | null {
      const sibling = this.ctx.lookup(Account, 'a')
      is<Equal<typeof sibling, LocalActorRef<Account> | null>>()
      const supervises = this.ctx.lookup(SupervisorRef, 'd')
      is<Equal<typeof supervises, SupervisorRef | null>>()
      const any = this.ctx.lookup('a')
      is<Equal<typeof any, ChildRef | null>>()
      return sibling
    }
  }
  void Finds
}
