import './tile.css';

interface TileProps {
  title: string;
  value: string;
  note?: string;
  bad?: boolean;
}

/** A figure at a glance. */
export function Tile({ title, value, note = '', bad = false }: TileProps) {
  return (
    <div class={bad ? 'tile tile-bad' : 'tile'}>
      <dt class="tile-title">{title}</dt>
      <dd class="tile-value">{value}</dd>
      {note === '' ? null : <dd class="tile-note">{note}</dd>}
    </div>
  );
}
