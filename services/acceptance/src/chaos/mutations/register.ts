import { register } from 'node:module';

/* Loaded with `node --import …/register.js?mutation=<name>`: the named mutation is in force in that process. */
register('./loader.js', {
  parentURL: import.meta.url,
  data: new URL(import.meta.url).searchParams.get('mutation'),
});
