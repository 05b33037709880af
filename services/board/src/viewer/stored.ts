import { useSyncExternalStore } from 'react';

/** One text that the browser keeps for this viewer; every tab sees a change at once. Without storage it lasts as long as the tab. */
export class Stored {
  private inMemory: string | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly key: string) {
    addEventListener('storage', (event) => {
      if (event.key === key || event.key === null) this.tell();
    });
  }

  readonly get = (): string | null => {
    try {
      return localStorage.getItem(this.key);
    } catch {
      return this.inMemory;
    }
  };

  /** @param value null: forgotten. */
  set(value: string | null): void {
    this.inMemory = value;
    try {
      if (value === null) localStorage.removeItem(this.key);
      else localStorage.setItem(this.key, value);
    } catch {
      // Storage may be forbidden; then it is in memory alone.
    }
    this.tell();
  }

  readonly listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

export const useStored = (stored: Stored): string | null => useSyncExternalStore(stored.listen, stored.get);
