/**
 * Prints what failed, once more and in short, then "N passed, N failed" from Jest's JSON report (its path is the argument).
 * Fails when a test or a suite failed, when a test was skipped, or when none ran.
 */
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** Of a failure's message, which may print a whole report. */
const LINES = 25;

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

const report = read(process.argv[2]);
if (report === undefined) {
  console.log('the tests left no report\n0 passed, 1 failed');
  process.exit(1);
}
for (const { name, message, assertionResults } of report.testResults) {
  const failures = assertionResults.filter(({ status }) => status === 'failed');
  const texts = failures.map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join('\n')}`);
  // What failed outside a test, such as a file that could not be loaded, is told by the file's own message only.
  if (failures.length === 0 && message !== '') texts.push(message);
  for (const text of texts) {
    const lines = stripVTControlCharacters(text).split('\n').slice(0, LINES);
    console.log(`FAILED ${name}\n  ${lines.join('\n  ')}`);
  }
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = report;
const skipped = numPendingTests + numTodoTests;
// A suite that could not even be loaded has no tests to count.
const failed = numFailedTests + numRuntimeErrorTestSuites;
if (skipped > 0) console.log(`${skipped} tests were skipped: none may be`);
console.log(`${numPassedTests} passed, ${failed} failed`);
process.exit(failed > 0 || skipped > 0 || numPassedTests === 0 ? 1 : 0);
