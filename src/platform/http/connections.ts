import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of a server, so that a stop can end those that nobody waits on. */
export interface Connections {
  /** From now on every answer tells its caller to go elsewhere, and ends its connection; new ones are still taken. */
  leave(): void;
  /** Ends every connection without a request under way now, and each other one when its answer is sent. */
  drain(): void;
}

/**
 * Node's own `closeIdleConnections` takes a connection on which nothing was sent yet for a busy one, and a keep-alive
 * connection that becomes idle later stays open: clients that connect ahead would hold a stop for half a minute.
 */
export function trackConnections(server: Server): Connections {
  const underWay = new Map<Socket, Set<ServerResponse>>();
  let leaving = false;
  let draining = false;

  server.on('connection', (socket: Socket) => {
    underWay.set(socket, new Set());
    socket.once('close', () => underWay.delete(socket));
    if (draining) socket.destroy();
  });
  server.on('request', ({ socket }, response) => {
    underWay.get(socket)?.add(response);
    if (leaving) sayGoodbye(response);
    response.once('close', () => {
      const others = underWay.get(socket);
      others?.delete(response);
      if (leaving && others?.size === 0) socket.destroySoon();
    });
  });

  function leave(): void {
    leaving = true;
    for (const responses of underWay.values()) responses.forEach(sayGoodbye);
  }

  return {
    leave,
    drain() {
      leave();
      draining = true;
      for (const [socket, responses] of underWay) if (responses.size === 0) socket.destroy();
    },
  };
}

/** The answer says `connection: close`. */
function sayGoodbye(response: ServerResponse): void {
  response.shouldKeepAlive = false;
}
