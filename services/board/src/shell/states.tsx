import { Link, type ErrorComponentProps } from '@tanstack/react-router';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { CloudOff, Leaf, Lock, LogIn, SearchX, TriangleAlert } from 'lucide-react';
import { useEffect, type ReactNode } from 'react';
import { RequestFailed } from '../api/client.js';
import { session } from '../api/queries.js';
import { signInAddress } from '../viewer/me.js';
import { clockText } from '../words/times.js';

interface StateProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly icon?: ReactNode;
  /** In place of a whole page, whose heading it then is. */
  readonly isPage?: boolean;
}

/** In place of something that isn't there. */
export function Nothing({ title, children, icon, isPage = false }: StateProps) {
  const Title = isPage ? 'h1' : 'p';
  return (
    <div className="state">
      <span className="state__icon" aria-hidden>
        {icon ?? <Leaf size={28} />}
      </span>
      <Title className="state__title">{title}</Title>
      {children === undefined ? null : <div className="state__text">{children}</div>}
    </div>
  );
}

interface FailedProps {
  readonly error: Error;
  readonly onRetry: () => void;
}

/** In place of what could not be read, with what to do about it. */
export function Failed({ error, onRetry }: FailedProps) {
  const failure = error instanceof RequestFailed ? error : undefined;
  if (failure?.code === 'sign_in_required') return <SignIn />;
  if (failure?.code === 'not_permitted') return <NotPermitted />;
  const [title, icon] =
    failure?.code === 'offline'
      ? ['Laurel does not answer', <CloudOff key="icon" size={28} />]
      : failure?.code === 'starting'
        ? ['Laurel is starting', <Leaf key="icon" size={28} />]
        : failure?.isPassing === true
          ? ['The figures can’t be read at the moment', <CloudOff key="icon" size={28} />]
          : ['Something went wrong', <TriangleAlert key="icon" size={28} />];
  return (
    <div role="alert">
      <Nothing title={title} icon={icon}>
        <p>{failure?.isPassing === true ? 'It is tried again by itself.' : (failure?.message ?? error.message)}</p>
        {failure?.requestId === undefined || failure.requestId === null ? null : (
          <p className="state__id">
            Request <code>{failure.requestId}</code>
          </p>
        )}
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      </Nothing>
    </div>
  );
}

/** For whoever has to say who they are first. */
export function SignIn({ isPage = false }: Pick<StateProps, 'isPage'>) {
  const client = useQueryClient();
  const { data } = useQuery(session());
  // What is known of it may be from before it ended.
  const isOver = data?.signed_in === true;
  useEffect(() => {
    if (isOver) void client.invalidateQueries({ queryKey: session().queryKey });
  }, [client, isOver]);
  return (
    <Nothing isPage={isPage} title="Please sign in" icon={<LogIn size={28} />}>
      {data?.sign_in_url === null && !isOver ? (
        <p>This board is not open, and nobody can sign in here. Ask whoever runs Laurel.</p>
      ) : (
        <>
          <p>The board is for the people of this company.</p>
          <a className="button" href={signInAddress(data?.sign_in_url ?? undefined)}>
            Sign in
          </a>
        </>
      )}
    </Nothing>
  );
}

/** For whoever has said who they are, and may not. */
const NotPermitted = () => (
  <Nothing title="This is not yours to see" icon={<Lock size={28} />}>
    <p>Your role at Laurel does not include it. Ask whoever runs Laurel if it should.</p>
    <Link to="/" className="button">
      To the board
    </Link>
  </Nothing>
);

/** Over figures that stand, but could not be read anew. Takes no room of its own, so that nothing moves. */
export function Stale({ sinceMs }: { readonly sinceMs: number }) {
  return (
    <p className="stale" role="status">
      <CloudOff aria-hidden size={16} /> As of {clockText(sinceMs)}; newer figures can’t be read at the moment.
    </p>
  );
}

export function NotFound() {
  return (
    <div className="page">
      <Nothing isPage title="There is nothing at this address" icon={<SearchX size={28} />}>
        <Link to="/" className="button">
          To the board
        </Link>
      </Nothing>
    </div>
  );
}

export function PageFailed({ error, reset }: ErrorComponentProps) {
  return (
    <div className="page">
      <Failed error={error instanceof Error ? error : new Error(String(error))} onRetry={reset} />
    </div>
  );
}

/** Holds the place of a line of text. */
export function Bone({ width, height = 12 }: { readonly width: number | string; readonly height?: number }) {
  return <span className="bone" style={{ width, height }} aria-hidden />;
}
