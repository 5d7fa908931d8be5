/** What listens. */

/** The addresses of one `serve`. Closing it stops listening; the domain and its other hosts go on. */
export class ServiceHost {
  /** The endpoints as clients can use them: port 0 has become the real one. In the order in which they were given. */
  readonly urls: readonly string[];
  readonly #close: () => Promise<void>;
  #closed: Promise<void> | undefined;

  constructor(urls: readonly string[], close: () => Promise<void>) {
    this.urls = urls;
    this.#close = close;
  }

  /** Refuses new calls, lets those under way finish, then closes the connections. Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
