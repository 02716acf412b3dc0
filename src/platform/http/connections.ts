import type { Server, ServerResponse } from 'node:http';
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
  const underWay = new Map<Socket, Set<ServerResponse>>();
  let draining = false;

  server.on('connection', (socket: Socket) => {
    underWay.set(socket, new Set());
    socket.once('close', () => underWay.delete(socket));
    if (draining) socket.destroy();
  });
  server.on('request', ({ socket }, response) => {
    underWay.get(socket)?.add(response);
    if (draining) sayGoodbye(response);
    response.once('close', () => {
      const others = underWay.get(socket);
      others?.delete(response);
      if (draining && others?.size === 0) socket.destroySoon();
    });
  });

  return {
    drain() {
      draining = true;
      for (const [socket, responses] of underWay) {
        if (responses.size === 0) socket.destroy();
        else responses.forEach(sayGoodbye);
      }
    },
  };
}

/** A draining server tells its callers to go elsewhere: the answer says `connection: close`. */
function sayGoodbye(response: ServerResponse): void {
  response.shouldKeepAlive = false;
}
