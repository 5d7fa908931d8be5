// Points at which a test lets the process die: around every step that stores into memory that is shared
// with a peer. They exist only in the build that `npm run build:native -- --failpoints` makes.
//
//   REMOTING_FAILPOINT=reader-consume REMOTING_FAILPOINT_HIT=3     dies the third time that it gets there
#ifndef REMOTING_RING_FAILPOINT_H_
#define REMOTING_RING_FAILPOINT_H_

namespace remoting {

#ifdef REMOTING_FAILPOINTS
void ReachFailPoint(const char* name) noexcept;

/// Ends the process as another one would end it: nothing of it runs any more.
[[noreturn]] void DieSuddenly() noexcept;
#else
inline void ReachFailPoint(const char*) noexcept {}
#endif

}  // namespace remoting

#endif  // REMOTING_RING_FAILPOINT_H_
