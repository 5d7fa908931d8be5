/** The names that both processes know. Windows' form is good on every system. */
export const slotName = "\\\\.\\mailslot\\HelloWorld";
export const answerName = "\\\\.\\mailslot\\HelloWorld\\answers";
