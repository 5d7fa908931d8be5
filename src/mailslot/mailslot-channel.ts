/**
 * `mailslot://name`: one-way calls, a message each. A channel of its own and no transport under a session: there is
 * nobody to have a conversation with.
 */
import type { Channel, ChannelCapabilities, ChannelHost, ChannelListener, ChannelSender } from "../spi.ts";
import {
  type MailslotChannelOptions,
  type MailslotSettings,
  settingsOf,
} from "./mailslot-channel-options.ts";
import { MailslotListener } from "./mailslot-listener.ts";
import { MailslotSender } from "./mailslot-sender.ts";

/** What mailslots can do. */
export function mailslotCapabilities(maxMessageSize: number): ChannelCapabilities {
  return {
    duplex: false,
    reply: false,
    byReference: false,
    ordered: true,
    peerIdentity: false,
    maxMessageSize,
  };
}

/** See the head of this file. */
export class MailslotChannel implements Channel {
  readonly name: string;
  readonly priority: number;
  readonly scheme = "mailslot";
  readonly capabilities: ChannelCapabilities;
  readonly #settings: MailslotSettings;

  constructor(options: MailslotChannelOptions) {
    this.#settings = settingsOf(options);
    this.name = options.name ?? this.scheme;
    this.priority = options.priority ?? 1;
    this.capabilities = mailslotCapabilities(this.#settings.maxMessageSize);
  }

  createSender(address: string, host: ChannelHost): ChannelSender {
    return new MailslotSender(address, this.#settings, host);
  }

  async listen(address: string, host: ChannelHost): Promise<ChannelListener> {
    return new MailslotListener(address, this.#settings, host);
  }
}
