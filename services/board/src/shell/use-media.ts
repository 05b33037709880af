import { useSyncExternalStore } from 'react';

/** Whether a media query holds. */
export const useMedia = (query: string): boolean =>
  useSyncExternalStore(
    (listener) => {
      const list = matchMedia(query);
      list.addEventListener('change', listener);
      return () => list.removeEventListener('change', listener);
    },
    () => matchMedia(query).matches,
  );

export const useReducedMotion = (): boolean => useMedia('(prefers-reduced-motion: reduce)');
