/** Signalling inside Vite's development server. */
import type { Server } from 'gannet/node'
import type { Plugin } from 'vite'

export function gannet(game: Pick<Server, 'nodeListener'>): Plugin {
  return {
    name: 'game-server',
    configureServer(vite) {
      vite.middlewares.use(game.nodeListener)
    },
  }
}
