import { Menu } from '@base-ui/react/menu';
import { Toast } from '@base-ui/react/toast';
import { Link } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { LogOut, UserRound } from 'lucide-react';
import { signOut } from '../api/client.js';
import { session } from '../api/queries.js';
import { signInAddress, useMe } from '../viewer/me.js';
import { Avatar } from './Avatar.js';

/** For whoever has said who they are: the way to their own page, and out; for others the way in, where there is one. */
export function AccountMenu() {
  const own = useMe();
  const { data } = useQuery(session());
  const { add } = Toast.useToastManager();
  if (data?.signed_in === false && data.sign_in_url !== null) {
    return (
      <a className="button" href={signInAddress(data.sign_in_url)}>
        Sign in
      </a>
    );
  }
  if (own === undefined) return null;
  const token = data?.signed_in === true ? data.csrf_token : undefined;
  const leave = (csrfToken: string | null): void => {
    signOut(csrfToken).then(
      // At the provider too, where it has a place for that. Whatever was read is gone with the page.
      (provider) => location.assign(provider ?? '/'),
      (error: unknown) =>
        add({ title: `You are still signed in. ${error instanceof Error ? error.message : String(error)}` }),
    );
  };
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
              <Menu.Item className="menu__item" onClick={() => leave(token)}>
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
