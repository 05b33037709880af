import type { Award } from '../api/answers.js';

/** How it stands with what comes by itself: `away` while the API says that figures can't be read. */
export type LiveState = 'connecting' | 'live' | 'away';

export type LiveEvent =
  | { readonly kind: 'state'; readonly state: LiveState }
  /** Figures are others than before. */
  | { readonly kind: 'figures'; readonly version: string }
  | { readonly kind: 'award'; readonly award: Award };

export type LiveListener = (event: LiveEvent) => void;

const LOCK = 'laurel-live';
/** How long after a refused connection another one is tried, in ms, each time twice as long; of one that broke the browser takes care by itself. */
const AGAIN_AFTER_MS = 3000;
const AGAIN_AT_LATEST_MS = 60_000;

/**
 * What comes by itself: changed figures and new awards. A browser has six connections to a host for all of its tabs together, and a
 * stream holds one for as long as it lasts; so one tab has the streams and tells the others.
 *
 * @returns how to end it.
 */
export function followLive(onEvent: LiveListener): () => void {
  const ended = new AbortController();
  // Outside of a secure context there are no locks.
  if (!('locks' in navigator)) {
    openStreams(onEvent, ended.signal);
    return () => ended.abort();
  }
  const channel = new BroadcastChannel(LOCK);
  let last: LiveEvent = { kind: 'state', state: 'connecting' };
  let leads = false;
  channel.onmessage = ({ data }: MessageEvent<LiveEvent | 'hello'>) => {
    if (data === 'hello') {
      if (leads) channel.postMessage(last);
    } else onEvent(data);
  };
  channel.postMessage('hello');
  navigator.locks
    .request(LOCK, { signal: ended.signal }, () => {
      leads = true;
      openStreams((event) => {
        if (event.kind === 'state') last = event;
        onEvent(event);
        channel.postMessage(event);
      }, ended.signal);
      // Until the tab is closed, or this is ended.
      return new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve()));
    })
    .catch((error: unknown) => {
      if (!ended.signal.aborted) throw error;
    });
  ended.signal.addEventListener('abort', () => channel.close());
  return () => ended.abort();
}

function openStreams(onEvent: LiveListener, ended: AbortSignal): void {
  let version: string | undefined;
  const state = (name: LiveState): void => onEvent({ kind: 'state', state: name });
  openStream('/v1/figures/stream', ended, () => state('connecting'), {
    figures: (data) => {
      state('live');
      const told = (JSON.parse(data) as { readonly version: string }).version;
      if (version !== undefined && told !== version) onEvent({ kind: 'figures', version: told });
      version = told;
    },
    away: () => state('away'),
  });
  openStream('/v1/awards/stream', ended, () => undefined, {
    award: (data) => onEvent({ kind: 'award', award: JSON.parse(data) as Award }),
  });
}

type Handlers = Readonly<Record<string, (data: string) => void>>;

function openStream(path: string, ended: AbortSignal, onBroken: () => void, handlers: Handlers): void {
  let lastEventId = '';
  let againMs = AGAIN_AFTER_MS;
  const open = (): void => {
    if (ended.aborted) return;
    const stream = new EventSource(lastEventId === '' ? path : `${path}?last_event_id=${lastEventId}`);
    const onEnded = (): void => stream.close();
    ended.addEventListener('abort', onEnded);
    for (const [name, handle] of Object.entries<Handlers[string]>({ ready: () => undefined, ...handlers })) {
      stream.addEventListener(name, (event: MessageEvent<string>) => {
        againMs = AGAIN_AFTER_MS;
        if (event.lastEventId !== '') ({ lastEventId } = event);
        handle(event.data);
      });
    }
    stream.onerror = () => {
      onBroken();
      // After an answer that is no stream, as of a server that starts, the browser has given up.
      if (stream.readyState !== EventSource.CLOSED) return;
      ended.removeEventListener('abort', onEnded);
      setTimeout(open, againMs);
      againMs = Math.min(2 * againMs, AGAIN_AT_LATEST_MS);
    };
  };
  open();
}
