/** The scoreboard: who has painted how many balls. */
import { setText } from './elements.ts'
import type { Score } from './game.ts'
import { PLAYER_COLOURS } from './painter.ts'

/** Lines that fit beside the game. */
const MOST_LINES = 6

export function showScores(list: HTMLOListElement, scores: readonly Score[]): void {
  const shown = scores.slice(0, MOST_LINES)
  while (list.children.length > shown.length) list.lastElementChild?.remove()
  while (list.children.length < shown.length) {
    const line = document.createElement('li')
    line.append(document.createElement('i'), document.createElement('span'), document.createElement('b'))
    list.append(line)
  }
  shown.forEach((score, i) => {
    const [swatch, name, balls] = list.children[i]!.children
    if (swatch instanceof HTMLElement) swatch.style.background = `var(--player-${score.id % PLAYER_COLOURS})`
    setText(name!, score.isSelf ? 'you' : score.name)
    setText(balls!, String(score.balls))
  })
}
