import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach } from 'vitest';
import { startDataverseSimulator } from '../../simulators/dataverse/index.js';
import { selfSigned } from '../support/self-signed.js';

type Row = Readonly<Record<string, unknown>>;

/** A simulated Dataverse over https that ends with the test, and its administrative door. */
export interface DataverseScene {
  /** What a client has to know, and files: the server's certificate to trust, the client's own with its key. */
  readonly environment: Readonly<Record<string, string>>;
  readonly admin: (method: string, path: string, body?: unknown) => Promise<Row>;
  /** Every column of a row as the simulator holds it. */
  readonly row: (table: string, id: string) => Promise<Row>;
}

const endings: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(endings.splice(0).map((end) => end()));
});

/** Sends one request to a server whose certificate only we trust, which `fetch` cannot. */
function send(
  url: string,
  ca: string,
  method: string,
  body: string,
): Promise<[status: number, text: string]> {
  return new Promise((resolve, reject) => {
    const headers = body === '' ? {} : { 'content-type': 'application/json' };
    const sent = request(url, { method, ca, headers, agent: false }, (response) => {
      text(response).then((answer) => resolve([response.statusCode ?? 0, answer]), reject);
    });
    sent.on('error', reject).end(body);
  });
}

export async function dataverseScene(): Promise<DataverseScene> {
  const tls = await selfSigned('localhost');
  const client = await selfSigned('contact-sync');
  const simulator = await startDataverseSimulator({ tls, clientCertificate: client.certificate });
  const folder = await mkdtemp(join(tmpdir(), 'dataverse-scene-'));
  const trusted = join(folder, 'trusted.pem');
  const certificate = join(folder, 'client.pem');
  await writeFile(trusted, tls.certificate);
  await writeFile(certificate, `${client.privateKey}${client.certificate}`);
  endings.push(async () => {
    await simulator.close();
    await rm(folder, { recursive: true });
  });
  const admin: DataverseScene['admin'] = async (method, path, body) => {
    const content = body === undefined ? '' : JSON.stringify(body);
    const [status, answer] = await send(`${simulator.origin}/admin${path}`, tls.certificate, method, content);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${answer}`);
    return JSON.parse(answer) as Row;
  };
  return {
    environment: {
      ...simulator.environment,
      REQUESTS_CA_BUNDLE: trusted,
      SSL_CERT_FILE: trusted,
      CLIENT_CERTIFICATE_FILE: certificate,
    },
    admin,
    row: async (table, id) => (await admin('GET', `/rows/${table}/${id}`))['row'] as Row,
  };
}
