import { listen, type Server, type ServerEvent } from 'gannet/node'
import { relayAnswer, UdpRelay, udpTargets, withoutCandidates } from 'gannet/sim/relay'
import { expect, type Page, test } from 'playwright/test'
import { channels } from './fixtures/hidden/channels.ts'
import { type PageMiddleware, type PageServer, startPageServer } from './fixtures/page-server.ts'
import { Tabs } from './fixtures/tabs.ts'

type Channels = typeof channels

const LOOPBACK = '127.0.0.1'

/** How long the tab is hidden, s. `HIDDEN_SECONDS=120 npm run e2e -- hidden` is the long gear. */
const SECONDS = Number(process.env['HIDDEN_SECONDS'] ?? 18)
/** Busy and quiet take turns, ms: 60 states a second, then nothing but a message now and then. */
const TURN_MS = 3000
const TICK_MS = 1000 / 60
const STATE_KEYS = 4
/** Between two messages of chat, ms: no divisor of a second, so that they come at all distances from a late timer. */
const CHAT_MS = 430
/** The same where the server leaves the page alone, ms. */
const RARE_CHAT_MS = 2900
/** Longest time for an answer, ms: an ack may wait for 50, and late timers would make it a second. */
const ANSWER_MS = 250
/** Messages that a hidden page sends. */
const MESSAGES = 10
/** How long nothing gets out of the page when it sends one, ms. */
const DARK_MS = 40

/** What became of a message that the server sent. */
interface Sent {
  readonly channel: keyof Channels
  readonly n: number
  readonly key: number
  readonly isQuiet: boolean
  readonly sentAt: number
  answeredAt?: number
}

/** A message of chat from the page. */
interface Heard {
  readonly n: number
  readonly heardAt: number
}

/** The server's half: states and chat for the page, and an account of what came of it. */
class Sender {
  readonly sent: Sent[] = []
  readonly heard: Heard[] = []
  /** Types of the events that were neither messages nor verdicts. */
  readonly turns: string[] = []
  readonly #server: Server<Channels>
  readonly #isStill: boolean
  readonly #byId = new Map<string, Sent>()
  readonly #startedAt = performance.now()
  readonly #timer: ReturnType<typeof setInterval>
  #chatAt = 0
  #tick = 0

  /** `isStill`: sends hardly anything, so that nothing that arrives wakes the page. */
  constructor(server: Server<Channels>, isStill = false) {
    this.#server = server
    this.#isStill = isStill
    this.#timer = setInterval(() => this.#run(performance.now()), TICK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  of(channel: keyof Channels): Sent[] {
    return this.sent.filter((one) => one.channel === channel)
  }

  /** The newest acknowledged number of each key of a channel. */
  newest(channel: keyof Channels): Map<number, number> {
    const answered = this.of(channel).filter(({ answeredAt }) => answeredAt !== undefined)
    return new Map(answered.map(({ key, n }) => [key, n]))
  }

  #run(now: number): void {
    const server = this.#server
    server.update()
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) this.#take(event)
    const isQuiet = this.#isStill || Math.floor((now - this.#startedAt) / TURN_MS) % 2 === 1
    if (!isQuiet) {
      this.#tick++
      this.#send('world', this.#tick % STATE_KEYS, isQuiet, now)
      if (this.#tick % 10 === 0) this.#send('score', -1, isQuiet, now)
    }
    if (now >= this.#chatAt) {
      this.#chatAt = now + (this.#isStill ? RARE_CHAT_MS : CHAT_MS)
      this.#send('chat', -1, isQuiet, now)
    }
    server.flush()
  }

  #take(event: ServerEvent<Channels>): void {
    if (event.type === 'message') {
      const view = new DataView(event.payload.buffer, event.payload.byteOffset)
      this.heard.push({ n: view.getUint32(0), heardAt: performance.now() })
    } else if (event.type !== 'verdict') {
      this.turns.push(event.type)
    } else if (event.verdict === 'acked') {
      const one = this.#byId.get(`${event.channel} ${event.id}`)
      if (one !== undefined) one.answeredAt = event.at
    }
  }

  #send(channel: keyof Channels, key: number, isQuiet: boolean, sentAt: number): void {
    const [peer] = [...this.#server.peers.values()]
    if (peer === undefined) return
    const n = this.of(channel).length
    const message = new Uint8Array(100)
    new DataView(message.buffer).setUint32(0, n)
    const one: Sent = { channel, n, key, isQuiet, sentAt }
    this.#byId.set(`${channel} ${peer.send(channel, message, key < 0 ? {} : { key })}`, one)
    this.sent.push(one)
  }
}

/** Time until messages were acknowledged, ms, smallest first; those that never were count as endless. */
function answersOf(sent: readonly Sent[]): number[] {
  return sent.map(({ sentAt, answeredAt = Infinity }) => answeredAt - sentAt).sort((a, b) => a - b)
}

const quantile = (sorted: readonly number[], share: number) => sorted[Math.floor(share * (sorted.length - 1))]!

let tabs: Tabs
let server: Server<Channels>
let pages: PageServer
/** Between the page and the server. */
let relay: UdpRelay

test.setTimeout(60_000 + SECONDS * 1000)

test.beforeAll(async () => {
  tabs = await Tabs.open()
})

test.afterAll(() => tabs.close())

test.beforeEach(async () => {
  server = await listen({
    channels,
    bindAddress: LOOPBACK,
    transformOffer: withoutCandidates,
    transformAnswer: async (sdp) => {
      const [target] = udpTargets(sdp, { bindAddress: LOOPBACK })
      relay = await UdpRelay.open({ target: target!, seed: 1 })
      return relayAnswer(sdp, relay, { bindAddress: LOOPBACK }).sdp
    },
  })
})

test.afterEach(async () => {
  await server.close({ deadlineMs: 0 })
  await relay.close()
  await pages.close()
})

/** A tab with a connected game in it. */
async function play(...middleware: PageMiddleware[]): Promise<Page> {
  pages = await startPageServer(...middleware, server.nodeListener)
  const page = await tabs.page(`${pages.url}/hidden/`)
  await page.evaluate(() => window.dwell('/gannet'))
  return page
}

test('a hidden tab stays connected, answers in time, and finds the newest state and every message on its return', async () => {
  const page = await play()
  const sender = new Sender(server)
  try {
    await page.waitForTimeout(500)
    expect(page.workers()).toHaveLength(0)
    await tabs.hide(page)
    const before = await page.evaluate(() => window.account())
    const from = sender.sent.length
    await page.waitForTimeout(SECONDS * 1000)

    const hidden = await page.evaluate(() => window.account())
    expect(page.workers()).toHaveLength(1)
    // So the browser does here what it does to people's tabs: no frames, and late timers.
    expect(hidden.frames - before.frames).toBeLessThanOrEqual(1)
    expect(hidden.timers - before.timers).toBeLessThan(1.5 * SECONDS)
    expect(hidden.state).toBe('open')

    // The last second may still be under way.
    const sent = sender.sent.slice(from).filter(({ sentAt }) => sentAt < performance.now() - 1000)
    const quiet = answersOf(sent.filter(({ isQuiet }) => isQuiet))
    const busy = answersOf(sent.filter(({ isQuiet }) => !isQuiet))
    expect(quantile(quiet, 0.9)).toBeLessThan(ANSWER_MS)
    expect(quantile(busy, 0.95)).toBeLessThan(ANSWER_MS)
    const unread = hidden.messagesUnread - before.messagesUnread
    const states = sender.sent.slice(from).filter(({ channel }) => channel !== 'chat').length
    expect(unread).toBeGreaterThan(0.9 * states)

    const newest = { world: sender.newest('world'), score: sender.newest('score') }
    const chats = sender.newest('chat').get(-1)!
    const returning = page.evaluate(() => window.nextBatch())
    await tabs.show(page)
    const batch = await returning
    const keysOf = (channel: keyof Channels) => batch.filter((one) => one.channel === channel).map(({ key }) => key)
    expect(keysOf('world').sort()).toEqual([...newest.world.keys()].sort())
    expect(keysOf('score')).toEqual([-1])
    for (const { channel, key, n } of batch) {
      if (channel !== 'chat') expect(n).toBeGreaterThanOrEqual(newest[channel].get(key)!)
    }
    const heard = batch.filter(({ channel }) => channel === 'chat').map(({ n }) => n)
    expect(heard).toEqual(Array.from(heard, (_, i) => heard[0]! + i))
    expect(heard[0]).toBeLessThanOrEqual(sender.sent.slice(from).find(({ channel }) => channel === 'chat')!.n)
    expect(heard.at(-1)).toBeGreaterThanOrEqual(chats)

    await expect.poll(() => page.workers().length).toBe(0)
    const after = await page.evaluate(() => window.account())
    expect(after.turns).toEqual(['open'])
    expect(sender.turns).toEqual(['open'])
    console.log(
      `  ${SECONDS} s: ${hidden.timers - before.timers} of ${SECONDS * 20} timers; ${states} states came, ` +
        `${batch.length - heard.length} were read; answers p90 ${quantile(quiet, 0.9).toFixed(0)} ms, ` +
        `p95 ${quantile(busy, 0.95).toFixed(0)} ms when busy`,
    )
  } finally {
    sender.stop()
  }
})

/**
 * How long a hidden page takes to send again what was lost, from when it would get through, ms, smallest first. Nothing comes
 * meanwhile to wake it.
 */
async function repairsOf(page: Page, sender: Sender): Promise<number[]> {
  await tabs.hide(page)
  const clearAt: number[] = []
  for (let i = 0; i < MESSAGES; i++) {
    await page.waitForTimeout(CHAT_MS)
    relay.set({ up: { loss: 1 } })
    await page.evaluate(() => window.speak())
    await page.waitForTimeout(DARK_MS)
    relay.set({ up: { loss: 0 } })
    clearAt.push(performance.now())
  }
  await expect.poll(() => sender.heard.length).toBe(MESSAGES)
  expect(sender.heard.map(({ n }) => n)).toEqual(Array.from(sender.heard, (_, i) => i))
  return sender.heard.map(({ n, heardAt }) => heardAt - clearAt[n]!).sort((a, b) => a - b)
}

test('a hidden tab repairs what was lost in time while nothing comes to wake it, by a worker that goes with the last peer', async () => {
  const page = await play()
  const sender = new Sender(server, true)
  try {
    const repairs = await repairsOf(page, sender)
    expect(page.workers()).toHaveLength(1)
    expect(quantile(repairs, 0.5)).toBeLessThan(200)
    expect(await page.evaluate(() => window.depart())).toBe('local')
    await expect.poll(() => page.workers().length).toBe(0)
    console.log(`  repaired after p50 ${quantile(repairs, 0.5).toFixed(0)} ms`)
  } finally {
    sender.stop()
  }
})

test('a page whose policy forbids the worker stays connected by its own late timers', async () => {
  const page = await play((_request, response, next) => {
    response.setHeader('content-security-policy', "worker-src 'none'")
    next()
  })
  const errors: Error[] = []
  page.on('pageerror', (error) => errors.push(error))
  const sender = new Sender(server, true)
  try {
    const repairs = await repairsOf(page, sender)
    expect(page.workers()).toHaveLength(0)
    // What the worker is for; without this the test before would prove nothing.
    expect(quantile(repairs, 0.5)).toBeGreaterThan(200)
    const returning = page.evaluate(() => window.nextBatch())
    await tabs.show(page)
    const heard = (await returning).map(({ n }) => n)
    expect(heard).toEqual(Array.from(heard, (_, i) => heard[0]! + i))
    expect((await page.evaluate(() => window.account())).turns).toEqual(['open'])
    expect(errors).toEqual([])
    console.log(`  repaired after p50 ${quantile(repairs, 0.5).toFixed(0)} ms`)
  } finally {
    sender.stop()
  }
})
