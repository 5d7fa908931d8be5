/** Ends objects that the framework made and therefore has to end. */

/** Calls the object's own way of being disposed of, if it has one. Rejects with what that throws. */
export async function dispose(object: unknown): Promise<void> {
  if (isAsyncDisposable(object)) await object[Symbol.asyncDispose]();
  else if (isDisposable(object)) object[Symbol.dispose]();
}

function hasMethod(object: unknown, key: symbol): boolean {
  return typeof object === "object" && object !== null && typeof Reflect.get(object, key) === "function";
}

function isAsyncDisposable(object: unknown): object is AsyncDisposable {
  return hasMethod(object, Symbol.asyncDispose);
}

function isDisposable(object: unknown): object is Disposable {
  return hasMethod(object, Symbol.dispose);
}
