import './shell.css';
import { Toast } from '@base-ui/react/toast';
import { Tooltip } from '@base-ui/react/tooltip';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { Activity, Award, Boxes, ListOrdered, Trophy } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { session } from '../api/queries.js';
import { AwardToasts } from '../awards/AwardToasts.js';
import { useIsShut } from '../viewer/me.js';
import { AccountMenu } from './AccountMenu.js';
import { LiveLight } from './LiveLight.js';
import { Mark } from './Mark.js';
import { SignIn } from './states.js';
import { ThemeSwitch } from './ThemeSwitch.js';

const places = [
  { to: '/', name: 'Board', Icon: ListOrdered },
  { to: '/titles', name: 'Titles', Icon: Trophy },
  { to: '/models', name: 'Models', Icon: Boxes },
  { to: '/awards', name: 'Awards', Icon: Award },
] as const;

/** For whoever runs Laurel. */
const health = { to: '/pipeline', name: 'Health', Icon: Activity } as const;

/** What is around every page. */
export function Shell() {
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const shown = useRef(path);
  const scopes = useQuery(session()).data?.scopes ?? [];
  useEffect(() => {
    // Of another page a screen reader is to read from its beginning.
    if (shown.current !== path) main.current?.focus({ preventScroll: true });
    shown.current = path;
  }, [path]);
  const isShut = useIsShut();
  // In a frame there is a page around it already.
  if (path === '/embed') return <Outlet />;
  if (isShut) return <Shut />;
  return (
    <Toast.Provider timeout={8000}>
      <Tooltip.Provider delay={300}>
        <a className="skip" href="#main">
          Skip to the content
        </a>
        <header className="header">
          <div className="header__inner">
            <Link to="/" className="header__home" aria-label="Laurel: the board">
              <Mark />
              <span>Laurel</span>
            </Link>
            <nav className="nav" aria-label="Pages">
              {[...places, ...(scopes.includes('operations:read') ? [health] : [])].map(({ to, name, Icon }) => (
                <Link
                  key={to}
                  to={to}
                  className="nav__link"
                  activeOptions={{ exact: to === '/', includeSearch: false }}
                >
                  <Icon aria-hidden size={18} />
                  <span>{name}</span>
                </Link>
              ))}
            </nav>
            <div className="header__end">
              <LiveLight />
              <ThemeSwitch />
              <AccountMenu />
            </div>
          </div>
        </header>
        <main id="main" ref={main} tabIndex={-1}>
          <Outlet />
        </main>
        <AwardToasts />
      </Tooltip.Provider>
    </Toast.Provider>
  );
}

/** Where nobody is let in who has not said who they are. */
const Shut = () => (
  <>
    <header className="header">
      <div className="header__inner">
        <span className="header__home">
          <Mark />
          <span>Laurel</span>
        </span>
        <div className="header__end">
          <ThemeSwitch />
        </div>
      </div>
    </header>
    <main id="main" className="page">
      <title>Sign in · Laurel</title>
      <SignIn isPage />
    </main>
  </>
);
