// Runs before the first paint; see build/head.ts. `laurel.theme` is written by src/theme/theme.ts.
try {
  var theme = localStorage.getItem('laurel.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch (error) {
  // Storage may be forbidden; the system's scheme holds then.
}
