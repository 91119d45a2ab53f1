/** Signalling on a plain `node:http` server that has other pages too. */
import { createServer, type Server as HttpServer } from 'node:http'
import type { Server } from 'gannet/node'

export function mount(game: Pick<Server, 'nodeListener'>): HttpServer {
  return createServer((request, response) => {
    game.nodeListener(request, response, () => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<!doctype html><title>the app</title>')
    })
  })
}
