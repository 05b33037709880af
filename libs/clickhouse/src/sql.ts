import { tokenClasses, type TokenClass } from '@laurel/events';

/** SQL: the tokens of some classes of a row. */
export const tokensOf = (classes: readonly TokenClass[]): string => classes.map((name) => `${name}_tokens`).join(' + ');

/** SQL: all tokens of a row. */
export const TOTAL = tokensOf(tokenClasses);

/** A text in SQL. Source: ClickHouse's "Syntax", String. */
export const literal = (text: string): string =>
  `'${text.replace(/[\\'\0]/g, (sign) => (sign === '\0' ? '\\0' : `\\${sign}`))}'`;
