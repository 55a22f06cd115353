import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A line to a server that can go deaf or dumb while its connections stay up, as a broken network does. */
export interface Relay {
  /** `host:port` to connect to instead of the server's own. */
  readonly address: string;
  /** Which ways bytes still go; what does not go on is lost. */
  readonly passes: { requests: boolean; answers: boolean };
  readonly close: () => Promise<void>;
}

export const startRelay = async (address: string): Promise<Relay> => {
  const [host, port] = address.split(':');
  const passes = { requests: true, answers: true };
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    // Whoever is killed resets its connections.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((socket) => {
    const caller = keep(socket);
    const called = keep(connect(Number(port), host));
    caller.on('data', (part) => {
      if (passes.requests) called.write(part);
    });
    called.on('data', (part) => {
      if (passes.answers) caller.write(part);
    });
    caller.on('close', () => called.destroy());
    called.on('close', () => caller.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    passes,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
};
