import { Menu } from '@base-ui/react/menu';
import { Link } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { LogOut, UserRound } from 'lucide-react';
import { signOut } from '../api/client.js';
import { session } from '../api/queries.js';
import { useMe } from '../viewer/me.js';
import { Avatar } from './Avatar.js';

/** For whoever has said who they are: the way to their own page, and out. */
export function AccountMenu() {
  const own = useMe();
  const { data } = useQuery(session());
  if (own === undefined) return null;
  const token = data?.signed_in === true ? data.csrf_token : undefined;
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="icon-button" aria-label={`You: ${own}`}>
        <Avatar userId={own} size={26} />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={8} align="end" className="popup-place">
          <Menu.Popup className="menu">
            <Menu.Item
              className="menu__item"
              render={<Link to="/people/$userId" params={{ userId: own }} />}
              nativeButton={false}
            >
              <UserRound aria-hidden size={16} />
              <span>Your page</span>
            </Menu.Item>
            {token === undefined ? null : (
              <Menu.Item className="menu__item" onClick={() => void leave(token)}>
                <LogOut aria-hidden size={16} />
                <span>Sign out</span>
              </Menu.Item>
            )}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** At the provider too, where it has a place for that. Whatever was read is gone with the page. */
async function leave(csrfToken: string | null): Promise<void> {
  location.assign((await signOut(csrfToken)) ?? '/');
}
