/** What each part of the suite works with: a server that runs, a client of it, and ways to make more. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type AbstractClass,
  type ChannelOptions,
  type MarshalByRefObject,
  type Remote,
  RemotingDomain,
  type RemotingDomainOptions,
} from "remoting";
import { onTestFinished } from "vitest";
import type { ConformanceBench, ConformanceSetup } from "./conformance-setup.ts";
import type { DomainProbe } from "./server/domain-probe.ts";
import { Ledger } from "./server/ledger.ts";
import type { Timekeeper } from "./server/lifetime-services.ts";
import { createChannel, type ServerOptions, type TestServer } from "./server/start-server.ts";

/** How a client differs from the default. */
export interface ClientOptions extends ChannelOptions {
  readonly defaultTimeout?: number;
  readonly closeGrace?: number;
  readonly domain?: RemotingDomainOptions;
}

let keys = 0;

/** The suite's surroundings. */
export class ConformanceContext {
  readonly #setup: ConformanceSetup;
  #bench: ConformanceBench | undefined;
  #server: TestServer | undefined;
  #client: RemotingDomain | undefined;

  constructor(setup: ConformanceSetup) {
    this.#setup = setup;
  }

  async open(): Promise<void> {
    this.#bench = this.#setup.open();
    this.#server = await this.bench.start({});
    this.#client = this.#createClient(this.#server.url, {});
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await this.#server?.close();
    await this.#bench?.close();
  }

  get bench(): ConformanceBench {
    assert(this.#bench !== undefined, "the suite is not open");
    return this.#bench;
  }

  /** The endpoint of the server that most tests share. */
  get url(): string {
    assert(this.#server !== undefined, "the suite is not open");
    return this.#server.url;
  }

  /** The client that most tests share. */
  get client(): RemotingDomain {
    assert(this.#client !== undefined, "the suite is not open");
    return this.#client;
  }

  get formatterName(): string {
    return this.#setup.formatter().name;
  }

  /** A name that no other test has. */
  newKey(): string {
    return `test-${++keys}`;
  }

  /** The proxy of a service of the shared server. */
  service<T extends MarshalByRefObject>(type: AbstractClass<T>): Remote<T> {
    return this.client.getObject(type, this.url);
  }

  /** What happened on the servers' side, those of {@link start} included. */
  get ledger(): Remote<Ledger> {
    return this.service(Ledger);
  }

  /** Moves the time of a server's leases. */
  timeOf(url: string): Remote<Timekeeper> {
    return this.client.getObject<Timekeeper>(`${url}/Timekeeper`);
  }

  /** What the domain of a server was told. */
  probeOf(client: RemotingDomain, url: string): Remote<DomainProbe> {
    return client.getObject<DomainProbe>(`${url}/Probe`);
  }

  /** Starts another server, which ends with the test. */
  async start(options: ServerOptions, url?: string): Promise<TestServer> {
    const server = await this.bench.start(options, url);
    onTestFinished(() => server.close());
    return server;
  }

  /** Makes another client, which ends with the test. */
  connect(url: string = this.url, options: ClientOptions = {}): RemotingDomain {
    const client = this.#createClient(url, options);
    onTestFinished(() => client.close());
    return client;
  }

  /** Closes a server and waits until its client has noticed, which is not the same moment. */
  async stop(server: TestServer, client: RemotingDomain): Promise<void> {
    await Promise.all([once(client, "disconnected"), server.close()]);
  }

  #createClient(
    url: string,
    { defaultTimeout, closeGrace, domain, ...channel }: ClientOptions,
  ): RemotingDomain {
    const client = new RemotingDomain({
      ...domain,
      ...(defaultTimeout === undefined ? {} : { defaultTimeout }),
      ...(closeGrace === undefined ? {} : { closeGrace }),
    });
    client.registerChannel(createChannel(url, { formatter: this.#setup.formatter(), ...channel }));
    return client;
  }

  /** A domain that serves in this thread, for what needs the server's domain at hand. */
  async serveHere(): Promise<{ readonly domain: RemotingDomain; readonly url: string }> {
    const url = this.bench.localUrl();
    const domain = this.connect(url);
    const host = await domain.serve(url);
    const [bound] = host.urls;
    assert(bound !== undefined);
    return { domain, url: bound };
  }
}

/** The error with which a promise rejects, which must be of a type. */
export async function rejectionOf<E>(
  promise: PromiseLike<unknown>,
  type: abstract new (...parameters: never[]) => E,
): Promise<E> {
  let error: unknown;
  try {
    const value = await promise;
    assert.fail(`expected ${type.name}, but it resolved with ${String(value)}`);
  } catch (thrown) {
    if (thrown instanceof assert.AssertionError) throw thrown;
    error = thrown;
  }
  assert(error instanceof type, `expected ${type.name}, but it rejected with ${String(error)}`);
  return error;
}
