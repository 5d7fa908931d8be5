// Two sides that wait busily for each other and begin on one processor, on a machine that is pretended: it
// moves a process only when that is woken, to a processor where nothing runs. Where there is one they part at
// once; where there is none they hardly ever sleep.
//
//   patience [looks]
#include "ring/patience.h"

#include <cstdio>
#include <cstdlib>

namespace remoting {
namespace {

void Expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

struct Outcome {
  unsigned long sleeps = 0;
  unsigned long looks_together = 0;
};

Outcome Run(unsigned processors, unsigned long looks) {
  Patience sides[2];
  unsigned place[2] = {0, 0};
  Outcome outcome;
  for (unsigned long look = 0; look < looks; ++look) {
    unsigned side = look % 2;
    bool together = place[0] == place[1];
    if (together) ++outcome.looks_together;
    if (sides[side].MayWaitOn(together)) continue;
    ++outcome.sleeps;
    if (processors > 1) place[side] = 1 - place[1 - side];
  }
  return outcome;
}

void PartWhereTheyCan(unsigned long looks) {
  Outcome outcome = Run(2, looks);
  Expect(outcome.sleeps == 1, "two sides slept more than once, or never, until they had a processor each");
  Expect(outcome.looks_together < 20, "two sides stayed on one processor while another one was idle");
}

void YieldWhereTheyCannot(unsigned long looks) {
  Outcome outcome = Run(1, looks);
  Expect(outcome.sleeps > 0, "two sides on the only processor never tried to part");
  Expect(outcome.sleeps * 100 < looks, "two sides on the only processor slept again and again");
}

void TryAnewAfterMeetingAgain() {
  Patience patience;
  for (unsigned look = 0; look < 100'000; ++look) patience.MayWaitOn(true);
  patience.MayWaitOn(false);
  unsigned looks = 1;
  while (patience.MayWaitOn(true)) ++looks;
  Expect(looks < 10, "a side that had been on another processor meanwhile waited as long as before");
}

}  // namespace
}  // namespace remoting

int main(int argc, char** argv) {
  unsigned long looks = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  remoting::PartWhereTheyCan(looks);
  remoting::YieldWhereTheyCannot(looks);
  remoting::TryAnewAfterMeetingAgain();
  std::printf("parted where there was another processor, and yielded where there was none\n");
}
