import type { Person } from '../api/answers.js';

/** A name beside the handle where one is shown; the number at a generated handle's end steps back. */
export function PersonName({ person }: { readonly person: Pick<Person, 'handle' | 'name'> }) {
  const [, words, number] = /^(.*?)(-\d{6})?$/.exec(person.handle) ?? [];
  const handle = (
    <>
      {words}
      {number === undefined ? null : <span className="name__number">{number}</span>}
    </>
  );
  if (person.name === null) return <span className="name">{handle}</span>;
  return (
    <span className="name">
      {person.name} <span className="name__handle">{handle}</span>
    </span>
  );
}
