import { useQueryClient, type Query } from '@tanstack/react-query';
import { createContext, use, useEffect, useRef, useState, type ReactNode } from 'react';
import { useIsShut } from '../viewer/me.js';
import { followLive, type LiveListener, type LiveState } from './live.js';

interface LiveContext {
  readonly state: LiveState;
  readonly onAward: (listener: LiveListener) => () => void;
}

const Live = createContext<LiveContext>({ state: 'connecting', onAward: () => () => undefined });

/** Everybody reads anew when figures change; spread over this long, so that they don't all ask at once, in ms. */
const SPREAD_MS = 1000;

/** Reads anew what is shown whenever it has changed. */
export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  const listeners = useRef(new Set<LiveListener>());
  const [onAward] = useState(() => (listener: LiveListener) => {
    listeners.current.add(listener);
    return () => listeners.current.delete(listener);
  });

  const isShut = useIsShut();
  useEffect(() => {
    if (isShut) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isStale = false;
    let isLive = false;
    const refresh = (): void => {
      // Nobody looks at a tab in the background; it catches up when it comes to the front.
      isStale = document.visibilityState === 'hidden';
      if (!isStale) void client.invalidateQueries({ queryKey: ['figures'] });
    };
    // What was read before the stream began may have changed before it did, which nothing will tell.
    const catchUp = (liveSinceMs: number): void => {
      const isOlder = ({ state: { dataUpdatedAt: at } }: Query): boolean => at > 0 && at < liveSinceMs;
      void client.invalidateQueries({ queryKey: ['figures'], predicate: isOlder });
    };
    const onVisible = (): void => {
      if (document.visibilityState === 'visible' && isStale) refresh();
    };
    document.addEventListener('visibilitychange', onVisible);
    const end = followLive((event) => {
      switch (event.kind) {
        case 'state':
          setState(event.state);
          if (event.state === 'live' && !isLive) setTimeout(catchUp, Math.random() * SPREAD_MS, Date.now());
          isLive = event.state === 'live';
          break;
        case 'figures':
          clearTimeout(timer);
          timer = setTimeout(refresh, Math.random() * SPREAD_MS);
          break;
        case 'award':
          void client.invalidateQueries({ queryKey: ['awards'] });
          void client.invalidateQueries({ queryKey: ['figures', 'titles'] });
          void client.invalidateQueries({ queryKey: ['figures', 'person-titles'] });
          for (const listener of listeners.current) listener(event);
          break;
        default:
          event satisfies never;
      }
    });
    return () => {
      end();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [client, isShut]);

  return <Live value={{ state, onAward }}>{children}</Live>;
}

export const useLive = (): LiveContext => use(Live);
