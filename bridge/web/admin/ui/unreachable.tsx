/** Says which nodes are missing in what is shown. */
export function Unreachable({ nodes }: { nodes: readonly string[] }) {
  if (nodes.length === 0) return null;
  return (
    <p class="admin-problem admin-warning" role="status">
      Not reached: {nodes.join(', ')}. What they know is missing here.
    </p>
  );
}
