import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { describeOptions, type LinkOptions, type ProfileName, profileNames, profiles } from '../sim/index.ts'
import { type DirectionCounters, type RelayCounters, type UdpAddress, UdpRelay } from '../sim/relay/index.ts'
import { BAD_CALL, type Command } from './command.ts'

/** Time between two states of the live line, ms. */
const LIVE_MS = 250
/** The same where the output is no terminal and each state stays, ms. */
const LOG_MS = 5000

const OPTIONS = {
  to: { type: 'string' },
  profile: { type: 'string' },
  port: { type: 'string' },
  bind: { type: 'string' },
  seed: { type: 'string' },
  loss: { type: 'string' },
  burst: { type: 'string' },
  delay: { type: 'string' },
  jitter: { type: 'string' },
  rate: { type: 'string' },
  for: { type: 'string' },
} as const

/** What a call asks for. */
export interface RelayCall {
  readonly target: UdpAddress
  readonly bindAddress: string
  readonly port: number
  readonly seed: string
  readonly up: LinkOptions
  readonly down: LinkOptions
  /** Time after which it ends by itself, ms. */
  readonly durationMs: number
}

/** Reads the arguments of `gannet relay`; throws with what was expected. */
export function parseRelayCall(args: readonly string[]): RelayCall {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true })
  const profile = values.profile === undefined ? { up: {}, down: {} } : profileNamed(values.profile)
  const changes: LinkOptions = {
    ...(values.loss !== undefined && { loss: number('loss', values.loss) / 100 }),
    ...(values.burst !== undefined && { burst: number('burst', values.burst) }),
    ...(values.delay !== undefined && { delayMs: number('delay', values.delay) }),
    ...(values.jitter !== undefined && { jitterMs: number('jitter', values.jitter) }),
    ...(values.rate !== undefined && { bytesPerSecond: number('rate', values.rate) * 125 }),
  }
  return {
    target: addressOf(values.to),
    bindAddress: values.bind ?? '127.0.0.1',
    port: values.port === undefined ? 0 : number('port', values.port),
    seed: values.seed ?? 'gannet',
    up: { ...profile.up, ...changes },
    down: { ...profile.down, ...changes },
    durationMs: values.for === undefined ? Number.POSITIVE_INFINITY : number('for', values.for) * 1000,
  }
}

/** `gannet relay`: weather for any UDP program. */
export const relayCommand: Command = {
  usage: `--to <ip:port> [--profile ${profileNames.join('|')}]
      [--port <n>] [--bind <ip>] [--seed <text>] [--for <seconds>]
      [--loss <%>] [--burst <packets>] [--delay <ms>] [--jitter <ms>] [--rate <kbit/s>]   both ways, over the profile's

  Programs that spoke UDP to <ip:port> speak to the printed address instead. The same seed loses the same packets.`,
  summary: 'loses, delays and reorders the packets of any UDP program',
  async run(args, print) {
    let call: RelayCall
    try {
      call = parseRelayCall(args)
    } catch (error) {
      print(`gannet relay: ${messageOf(error)}`)
      return BAD_CALL
    }
    let relay: UdpRelay
    try {
      relay = await UdpRelay.open(call)
    } catch (error) {
      print(`gannet relay: ${messageOf(error)}`)
      return 1
    }
    print(
      `${relay.address}:${relay.port} → ${call.target.address}:${call.target.port}, seed ${JSON.stringify(call.seed)}`,
    )
    print(`  up    ${describeOptions(call.up)}\n  down  ${describeOptions(call.down)}`)
    const live = process.stdout.isTTY
    let before = relay.counters
    let beforeAt = performance.now()
    const timer = setInterval(
      () => {
        const counters = relay.counters
        const now = performance.now()
        const line = counterLine(counters, before, now - beforeAt)
        before = counters
        beforeAt = now
        if (live) process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns || 120) - 1)}`)
        else print(line)
      },
      live ? LIVE_MS : LOG_MS,
    )
    await ended(call.durationMs)
    clearInterval(timer)
    if (live) process.stdout.write('\r\x1b[K')
    const counters = relay.counters
    await relay.close()
    print(totalLine('up', counters.up))
    print(totalLine('down', counters.down))
    return 0
  },
}

/** One line of what happened since `before`, `elapsedMs` ago, and since the start. */
export function counterLine(now: RelayCounters, before: RelayCounters, elapsedMs: number): string {
  const part = (name: string, a: DirectionCounters, b: DirectionCounters): string => {
    const perSecond = 1000 / Math.max(1, elapsedMs)
    const packets = Math.round((a.received - b.received) * perSecond)
    const kilobytes = ((a.receivedBytes - b.receivedBytes) * perSecond) / 1000
    return `${name} ${packets} pkt/s ${kilobytes.toFixed(1)} kB/s, dropped ${a.dropped} of ${a.received} (${share(a)})`
  }
  return `${now.clientsOpen} client(s) · ${part('up', now.up, before.up)} · ${part('down', now.down, before.down)}`
}

function totalLine(name: string, it: DirectionCounters): string {
  return (
    `${name.padEnd(4)} ${it.received} packets, ${it.receivedBytes} bytes: ${it.dropped} dropped (${share(it)}: ${it.lost} lost, ` +
    `${it.blackedOut} in blackouts, ${it.overflowed} by full queues), ${it.duplicated} doubled, ${it.reordered} overtaken`
  )
}

function share({ dropped, received }: DirectionCounters): string {
  return received === 0 ? '0 %' : `${((100 * dropped) / received).toFixed(1)} %`
}

function profileNamed(name: string): { up: LinkOptions; down: LinkOptions } {
  if (Object.hasOwn(profiles, name)) return profiles[name as ProfileName]
  throw new RangeError(`profile: ${JSON.stringify(name)}, expected one of ${profileNames.join(', ')}`)
}

function addressOf(text: string | undefined): UdpAddress {
  const found = /^\[?([^\]]+?)\]?:(\d+)$/.exec(text ?? '')
  if (found === null || isIP(found[1]!) === 0) {
    throw new RangeError(
      `--to: ${JSON.stringify(text ?? '')}, expected an IP address and a port, such as 127.0.0.1:9000`,
    )
  }
  return { address: found[1]!, port: Number(found[2]) }
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`--${name}: ${JSON.stringify(text)}, expected a number from 0 up`)
  }
  return value
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Resolves after `durationMs`, or when somebody interrupts. */
function ended(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = durationMs < 2 ** 31 ? setTimeout(stop, durationMs) : undefined
    function stop(): void {
      clearTimeout(timer)
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}
