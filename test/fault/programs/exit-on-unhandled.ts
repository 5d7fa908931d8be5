/** The exit code of a program in which a promise was rejected and nobody looked. */
export const unhandledExitCode = 86;

/** Ends the process with a code of its own, and says why, if a rejection is not handled or an exception not caught. */
export function exitOnUnhandled(): void {
  const end = (kind: string) => (error: unknown) => {
    process.stderr.write(
      `${kind}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(unhandledExitCode);
  };
  process.on("unhandledRejection", end("unhandled rejection"));
  process.on("uncaughtException", end("uncaught exception"));
}
