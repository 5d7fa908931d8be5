// What is measured of the classes, and the names that the two processes meet at.

export interface Measurement {
  readonly kind: "pipe" | "mailslot";
  readonly mode: "stream" | "round-trips";
  readonly messages: number;
}

export const messageSize = 64;

export const nameOf = (pid: number): string => `bench-${pid}`;

export const answersOf = (pid: number): string => `bench-${pid}-answers`;
