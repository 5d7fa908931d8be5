// A zeromq socket refuses to send while it sends.

import type { MessageLike, Writable } from "zeromq";

export class SendQueue {
  readonly #socket: Writable<MessageLike | MessageLike[]>;
  #waiting: MessageLike[][] = [];
  #sending = false;

  constructor(socket: Writable<MessageLike | MessageLike[]>) {
    this.#socket = socket;
  }

  send(message: MessageLike[]): void {
    this.#waiting.push(message);
    if (!this.#sending) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    while (this.#waiting.length > 0) {
      const messages = this.#waiting;
      this.#waiting = [];
      for (const message of messages) await this.#socket.send(message);
    }
    this.#sending = false;
  }
}
