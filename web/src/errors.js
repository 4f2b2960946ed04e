/** An error whose message is a sentence for the person at the page. */
export class UserError extends Error {}

/** What to show for an error of any kind. */
export function sentenceOf(error) {
  if (error instanceof UserError) return error.message;
  return `Something went wrong: ${error?.message ?? error}`;
}
