/** Where the composer would be, once the user is no longer a member. */
export function LeftNote() {
  return (
    <p class="left-note" role="note">
      You are no longer in this group. You can read what was written while you were.
    </p>
  );
}
