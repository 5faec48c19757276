import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';

interface WelcomeProps {
  onFind: () => void;
  onNewGroup: () => void;
}

/** For somebody with no conversations: in the main pane where there is one, in the list on a phone. */
export function Welcome({ onFind, onNewGroup }: WelcomeProps) {
  return (
    <Empty
      icon="person"
      title="Welcome to Parley"
      text="Write to somebody by name, or bring people together in a group."
    >
      <Button kind="primary" onClick={onFind}>
        Start a chat
      </Button>
      <Button onClick={onNewGroup}>New group</Button>
    </Empty>
  );
}
