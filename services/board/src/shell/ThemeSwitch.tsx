import { Menu } from '@base-ui/react/menu';
import { Check, Monitor, Moon, Sun } from 'lucide-react';
import { chooseTheme, themes, useTheme, type Theme } from '../theme/theme.js';

const looks: Readonly<Record<Theme, { readonly name: string; readonly Icon: typeof Sun }>> = {
  system: { name: 'As the system', Icon: Monitor },
  light: { name: 'Light', Icon: Sun },
  dark: { name: 'Dark', Icon: Moon },
};

export function ThemeSwitch() {
  const theme = useTheme();
  const { name, Icon } = looks[theme];
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="icon-button" aria-label={`Theme: ${name}`}>
        <Icon aria-hidden size={18} />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={8} align="end" className="popup-place">
          <Menu.Popup className="menu">
            <Menu.RadioGroup value={theme} onValueChange={(value: Theme) => chooseTheme(value)}>
              {themes.map((one) => {
                const look = looks[one];
                return (
                  <Menu.RadioItem key={one} value={one} className="menu__item" closeOnClick>
                    <look.Icon aria-hidden size={16} />
                    <span>{look.name}</span>
                    <Menu.RadioItemIndicator className="menu__check">
                      <Check aria-hidden size={16} />
                    </Menu.RadioItemIndicator>
                  </Menu.RadioItem>
                );
              })}
            </Menu.RadioGroup>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
