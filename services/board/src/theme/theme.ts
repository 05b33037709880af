import { Stored, useStored } from '../viewer/stored.js';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** `first-paint.js` reads it too. */
const stored = new Stored('laurel.theme');

const themeOf = (text: string | null): Theme => (text === 'light' || text === 'dark' ? text : 'system');

export const useTheme = (): Theme => themeOf(useStored(stored));

export function chooseTheme(theme: Theme): void {
  stored.set(theme === 'system' ? null : theme);
}

/** Keeps the document as chosen, in this tab or another. */
export function applyTheme(): void {
  const apply = (): void => {
    const theme = themeOf(stored.get());
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  };
  stored.listen(apply);
  apply();
}
