/** Who is told when nothing is under way any more: the session, by both halves of its conversation. */
export interface IdleObserver {
  /** The last call in one direction has ended. */
  onIdle(): void;
}
