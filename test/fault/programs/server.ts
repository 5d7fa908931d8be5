/**
 * The server of the fault tests: waits until it is told to listen, so that a test can have the next one ready
 * before it kills the present one. It ends with the test's process, whatever becomes of that.
 */
import { RemotingDomain, type SessionLimits, tcpChannel } from "remoting";
import { Adder, Cart, openJournal, surroundings, Target } from "../contract.ts";
import { Failing, FailingConstructor, FailingCreation, FailingDisposal } from "../failures.ts";
import { Victim } from "../victim.ts";
import { exitOnUnhandled } from "./exit-on-unhandled.ts";

/** What the server is told when it is started, as JSON. */
export interface ServerOptions {
  readonly limits?: Partial<SessionLimits>;
  /** The file to which calls are appended. */
  readonly journal: string;
  readonly closeGrace?: number;
}

/** What the test tells the server. */
export type ServerCommand =
  | { readonly kind: "listen"; readonly port: number }
  /** Closes the domain and ends the process in good order. */
  | { readonly kind: "close" };

/** What the server tells the test. */
export type ServerReport =
  | { readonly kind: "ready" }
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "failed"; readonly name: string; readonly message: string }
  | { readonly kind: "started"; readonly id: number }
  | { readonly kind: "closed"; readonly milliseconds: number };

const services = [
  Adder,
  Cart,
  Failing,
  FailingConstructor,
  FailingCreation,
  FailingDisposal,
  Target,
  Victim,
] as const;

exitOnUnhandled();
process.on("disconnect", () => process.exit());

const { limits, journal, closeGrace } = JSON.parse(process.argv[2] ?? "") as ServerOptions;
const file = await openJournal(journal);
const domain = new RemotingDomain(closeGrace === undefined ? {} : { closeGrace });
domain.registerChannel(tcpChannel(limits === undefined ? {} : { limits }));
domain.on("unobservedError", () => void surroundings.unobservedErrors++);
domain.on("connected", () => void surroundings.connections++);
domain.on("disconnected", () => void surroundings.connections--);
surroundings.journal = file.fd;
surroundings.domain = domain;
surroundings.onStarted = (id) => report({ kind: "started", id });

function report(message: ServerReport): void {
  process.send?.(message);
}

async function obey(command: ServerCommand): Promise<void> {
  if (command.kind === "listen") {
    try {
      const host = await domain.serve(`tcp://127.0.0.1:${command.port}`, services);
      report({ kind: "listening", url: host.urls[0] ?? "" });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      report({ kind: "failed", name, message });
    }
    return;
  }
  const started = performance.now();
  await domain.close();
  await domain.close();
  report({ kind: "closed", milliseconds: performance.now() - started });
  await file.close();
  // Nothing is left but the way to the test: if anything of the domain's is, the process does not end.
  process.removeAllListeners("disconnect");
  process.disconnect?.();
}

process.on("message", (command: ServerCommand) => void obey(command));
report({ kind: "ready" });
