/** Two people talking: the page's mark. The same drawing as public/icon.svg. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="#0b6b5b" />
      <path d="M7 8h11a3 3 0 0 1 3 3v5a3 3 0 0 1-3 3h-6l-5 4z" fill="#fff" />
      <path
        d="M23.500 13.500h.5a2 2 0 0 1 2 2V26l-4-3.500h-6.500a2.500 2.500 0 0 1-2.200-1.300"
        fill="none"
        stroke="#9fdccd"
        stroke-width="2"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
