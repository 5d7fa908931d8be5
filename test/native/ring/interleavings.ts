/**
 * Runs small programs of several processors in every order in which they can run, on memory as processors have it:
 * what one stores waits in a buffer of its own, in order, and the others see it later. A store may wait for as long
 * as it likes unless it is fenced.
 */

/** What a processor knows for itself. */
export type Registers = Readonly<Record<string, number>>;

/** One step. Values are functions of the registers. */
export type Instruction =
  | { readonly op: "store"; readonly to: string; readonly value: Value; readonly fenced: boolean }
  | { readonly op: "load"; readonly from: string; readonly into: string }
  /** Reads and replaces at once, and is fenced, as on every processor. */
  | { readonly op: "exchange"; readonly at: string; readonly value: Value; readonly into: string }
  | { readonly op: "set"; readonly into: string; readonly value: Value }
  | { readonly op: "jump"; readonly to: string; readonly when: (registers: Registers) => boolean }
  | { readonly op: "label"; readonly name: string }
  | { readonly op: "ring"; readonly whose: number }
  /** Goes on when its own bell was rung, and stops it. */
  | { readonly op: "wait" }
  | { readonly op: "end" };

type Value = (registers: Registers) => number;

/** The instructions of one processor. */
export type Program = readonly Instruction[];

interface Processor {
  readonly at: number;
  readonly registers: Registers;
  /** Stores that the others do not see yet. */
  readonly buffer: readonly (readonly [word: string, value: number])[];
}

interface State {
  readonly processors: readonly Processor[];
  readonly memory: Readonly<Record<string, number>>;
  readonly bells: readonly boolean[];
}

/** What came of all orders. */
export interface Exploration {
  /** How many different states there are. */
  readonly states: number;
  /** States in which not all have ended and nothing can ever happen again: somebody waits for ever. */
  readonly stuck: number;
}

function labelsOf(program: Program): ReadonlyMap<string, number> {
  return new Map(
    program.flatMap((instruction, index) =>
      instruction.op === "label" ? [[instruction.name, index] as const] : [],
    ),
  );
}

/** Looks at every state that can be reached, or stops at the first that is stuck. Throws if there are more than `limit`. */
export function explore(programs: readonly Program[], limit: number, stopWhenStuck = false): Exploration {
  const labels = programs.map(labelsOf);

  /** What concerns nobody else takes no time. */
  function settle(index: number, processor: Processor): Processor {
    let { at, registers } = processor;
    for (;;) {
      const instruction = programs[index]?.[at];
      if (instruction?.op === "set") {
        registers = { ...registers, [instruction.into]: instruction.value(registers) };
        at++;
      } else if (instruction?.op === "jump") {
        const target = labels[index]?.get(instruction.to);
        if (target === undefined) throw new Error(`There is no label ${instruction.to}`);
        at = instruction.when(registers) ? target : at + 1;
      } else if (instruction?.op === "label") {
        at++;
      } else {
        return { at, registers, buffer: processor.buffer };
      }
    }
  }

  function replace(state: State, index: number, processor: Processor, change: Partial<State> = {}): State {
    const processors = state.processors.map((other, at) => (at === index ? settle(index, processor) : other));
    return { ...state, ...change, processors };
  }

  function visible(state: State, processor: Processor, word: string): number {
    const own = processor.buffer.findLast(([name]) => name === word);
    return own?.[1] ?? state.memory[word] ?? 0;
  }

  /** The states that one step of one processor leads to. */
  function* steps(state: State, index: number): Generator<State> {
    const processor = state.processors[index];
    if (processor === undefined) return;
    const [oldest, ...rest] = processor.buffer;
    if (oldest !== undefined) {
      const memory = { ...state.memory, [oldest[0]]: oldest[1] };
      yield replace(state, index, { ...processor, buffer: rest }, { memory });
    }
    const instruction = programs[index]?.[processor.at];
    const { registers, buffer } = processor;
    const next = { at: processor.at + 1, registers, buffer };
    switch (instruction?.op) {
      case "store": {
        const value = instruction.value(registers);
        if (!instruction.fenced) {
          yield replace(state, index, { ...next, buffer: [...buffer, [instruction.to, value]] });
        } else if (oldest === undefined) {
          yield replace(state, index, next, { memory: { ...state.memory, [instruction.to]: value } });
        }
        return;
      }
      case "load": {
        const value = visible(state, processor, instruction.from);
        yield replace(state, index, { ...next, registers: { ...registers, [instruction.into]: value } });
        return;
      }
      case "exchange": {
        if (oldest !== undefined) return;
        const value = state.memory[instruction.at] ?? 0;
        const memory = { ...state.memory, [instruction.at]: instruction.value(registers) };
        yield replace(
          state,
          index,
          { ...next, registers: { ...registers, [instruction.into]: value } },
          { memory },
        );
        return;
      }
      case "ring":
        // A call of the system is no fence for what others see of this processor's stores.
        yield replace(state, index, next, {
          bells: state.bells.map((rung, at) => rung || at === instruction.whose),
        });
        return;
      case "wait":
        if (state.bells[index] !== true) return;
        yield replace(state, index, next, {
          bells: state.bells.map((rung, at) => rung && at !== index),
        });
        return;
      default:
        return;
    }
  }

  const first: State = {
    processors: programs.map((_, index) => settle(index, { at: 0, registers: {}, buffer: [] })),
    memory: {},
    bells: programs.map(() => false),
  };
  const seen = new Set([JSON.stringify(first)]);
  const open = [first];
  let stuck = 0;
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    let moved = false;
    for (let index = 0; index < programs.length; index++) {
      for (const next of steps(state, index)) {
        moved = true;
        const key = JSON.stringify(next);
        if (seen.has(key)) continue;
        seen.add(key);
        if (seen.size > limit) throw new Error(`There are more than ${limit} states`);
        open.push(next);
      }
    }
    const ended = state.processors.every(({ at }, index) => programs[index]?.[at]?.op === "end");
    if (!moved && !ended) stuck++;
    if (stuck > 0 && stopWhenStuck) break;
  }
  return { states: seen.size, stuck };
}
