/** Signalling as a route of Hono, with the client's address for the rate limit. */
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Server } from 'gannet/node'
import { Hono } from 'hono'

export function mount(game: Pick<Server, 'handle'>): Hono {
  const app = new Hono()
  app.get('/', (context) => context.html('<!doctype html><title>the app</title>'))
  // The path itself, and what lies below it: an offer is withdrawn at `/gannet/<id>`.
  for (const path of ['/gannet', '/gannet/*']) {
    app.all(path, (context) => game.handle(context.req.raw, { address: getConnInfo(context).remote.address }))
  }
  return app
}
