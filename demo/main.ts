/** Ties the parts together: one loop of 60 ticks a second, between an update and a flush. */
import { defineNetGraph, record } from 'gannet/devtools'
import { Chat } from './chat.ts'
import { ServerClock } from './clock.ts'
import { element, marked, setText } from './elements.ts'
import { Game } from './game.ts'
import { Net } from './net.ts'
import { Panel } from './panel.ts'
import { startPhone } from './phone.ts'
import type { Place } from './place.ts'
import { CHANNELS, decodeChat, decodeLine, decodeRoster, encodeChat, encodeInput, PROTOCOL } from './protocol.ts'
import { Race } from './race.ts'
import { showScores } from './scores.ts'
import { ArenaState } from './state.ts'
import { describeNext, describeStatus } from './status.ts'
import { startTheme } from './theme.ts'
import { Traces } from './traces.ts'
import { STEP_MS } from './world.ts'

/** Ticks made up for after a pause; beyond that they are skipped. */
const MOST_TICKS = 12
/** Time between two changes of the scores, ms. */
const SHOW_MS = 250

defineNetGraph()
// Without a Node peer beside it, as on a static host, the page is its own server.
const isLocal = IS_STATIC || new URLSearchParams(location.search).has('local')
const place: Place = isLocal
  ? new (await import('./local.ts')).LocalPlace()
  : new (await import('./served.ts')).ServedPlace()
document.documentElement.dataset['place'] = place.kind

const game = new Game(element('arena', HTMLCanvasElement), element('fire', HTMLButtonElement))
const state = new ArenaState()
const panel = new Panel(place)
const clock = new ServerClock(() => place.clock())
const race = new Race(place, clock, element('race', HTMLElement))
const graph = document.querySelector('gannet-netgraph')!
const pill = marked('state')
const curtain = element('curtain', HTMLDivElement)
const curtainState = element('curtain-state', HTMLParagraphElement)
const curtainNext = element('curtain-next', HTMLParagraphElement)
const scores = element('scores', HTMLOListElement)
const recorder = record()
const chat = new Chat((text) => net.send('chat', encodeChat({ from: 0, name: '', text })))
new Traces(recorder)

const { dial } = place
let next = (_now: number): string => ''

const net: Net<typeof CHANNELS> = new Net({
  url: '/gannet',
  channels: CHANNELS,
  protocol: PROTOCOL,
  // Longer than the longest silence of any profile, which is 3 s; then the server has gone.
  endpoint: { timeoutMs: 5_000 },
  trace: recorder,
  ...(dial && { dial: () => dial(recorder) }),
  onStatus(status) {
    showState(status.kind, describeStatus(status))
    next = (now) => describeNext(status, now)
    if (status.kind === 'open') {
      game.clear()
      state.clear()
      graph.source = status.peer
    } else if (status.kind === 'closed') {
      chat.clear()
    }
  },
  onEvent(event) {
    if (event.type === 'verdict' && event.channel === 'chat') chat.takeVerdict(event.id, event.verdict)
    if (event.type === 'away') showState('away', 'no word from the server')
    if (event.type === 'back') showState('open', 'open')
    if (event.type !== 'message') return
    const { channel, payload, key } = event
    if (channel === 'state') state.take(key, payload)
    else if (channel === 'line') hand(decodeLine(payload), (report) => panel.takeConditions(report.conditions))
    else if (channel === 'chat') hand(decodeChat(payload), (line) => chat.hear(line.name, line.text))
    else if (channel === 'roster') {
      hand(decodeRoster(payload), (roster) => {
        state.takeRoster(roster)
        game.takeRoster(roster)
      })
    }
  },
})

/** The pill, and the curtain over the arena while there is nothing to play with. */
function showState(kind: 'connecting' | 'open' | 'away' | 'closed', words: string): void {
  pill.dataset['state'] = kind
  pill.title = words
  setText(pill, words)
  setText(curtainState, words)
  curtain.hidden = kind === 'open'
}

/** Passes on what could be decoded; a message that is not in our language is none. */
function hand<T>(value: T | undefined, to: (value: T) => void): void {
  if (value !== undefined) to(value)
}

let tickedAt = performance.now()

/** Runs the ticks that are due: update, inputs, flush. Returns how far the next tick is along, 0 to 1. */
function runTicks(now: number): number {
  place.update()
  net.update()
  race.update()
  const snapshot = state.news
  if (snapshot) {
    game.takeSnapshot(snapshot, now)
    graph.markState()
  }
  if (now - tickedAt > MOST_TICKS * STEP_MS) tickedAt = now - STEP_MS
  const isTick = now - tickedAt >= STEP_MS
  while (now - tickedAt >= STEP_MS) {
    tickedAt += STEP_MS
    game.step()
  }
  if (isTick && net.peer) {
    if (game.input) net.send('input', encodeInput(game.input))
    if (game.isFiring) net.send('fire', new Uint8Array(0), { urgent: true })
    net.flush()
  }
  return (now - tickedAt) / STEP_MS
}

let shownAt = 0

function frame(): void {
  const now = performance.now()
  const share = runTicks(now)
  game.draw(now, share)
  race.draw(now)
  if (now - shownAt >= SHOW_MS) {
    shownAt = now
    showScores(scores, game.scores)
    setText(curtainNext, next(now))
  }
  requestAnimationFrame(frame)
}
requestAnimationFrame(frame)

// Hidden pages get no frames. The worker's ticks keep inputs going out and events from piling up.
const metronome = new Worker(new URL('./metronome.ts', import.meta.url), { type: 'module' })
metronome.onmessage = () => {
  if (document.hidden) runTicks(performance.now())
}

startTheme(element('theme', HTMLButtonElement), () => {
  game.restyle()
  race.restyle()
})
void startPhone(place)
