import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of a server, so that a stop can end those that nobody waits on. */
export interface Connections {
  /** Ends every connection without a request under way now, and each other one when its answer is sent. */
  drain(): void;
}

/**
 * Node's own `closeIdleConnections` takes a connection on which nothing was sent yet for a busy one, and a keep-alive
 * connection that becomes idle later stays open: clients that connect ahead would hold a stop for half a minute.
 */
export function trackConnections(server: Server): Connections {
  const openRequests = new Map<Socket, number>();
  let draining = false;

  server.on('connection', (socket: Socket) => {
    openRequests.set(socket, 0);
    socket.once('close', () => openRequests.delete(socket));
    if (draining) socket.destroy();
  });
  server.on('request', ({ socket }, response) => {
    openRequests.set(socket, (openRequests.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (openRequests.get(socket) ?? 1) - 1;
      if (openRequests.has(socket)) openRequests.set(socket, left);
      if (draining && left === 0) socket.destroySoon();
    });
  });

  return {
    drain() {
      draining = true;
      for (const [socket, requests] of openRequests) if (requests === 0) socket.destroy();
    },
  };
}
