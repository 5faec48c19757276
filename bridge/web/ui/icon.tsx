/** Drawn on a 24 × 24 grid, in the colour of the text around. */
const paths = {
  back: 'M15 5l-7 7 7 7',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  checks: 'M2.500 12.500L7 17l9.500-9.500M12 16l1 1 9-9',
  chevronDown: 'M6 9l6 6 6-6',
  chevronUp: 'M6 15l6-6 6 6',
  clock: 'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 7.500V12l3 2',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  crown: 'M4 17.500h16M4.500 14L3.500 6.500 8.500 10 12 5l3.500 5 5-3.500-1 7.500z',
  desktop: 'M3.500 5h17v11h-17zM9 20h6M12 16v4',
  edit: 'M4 20l.8-4L15.500 5.300l3.200 3.200L8 19.200zM13.500 7.300l3.200 3.200',
  group:
    'M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 19.500c.5-3.500 3-5.500 6.500-5.500s6 2 6.500 5.500M16 5a3.300 3.300 0 0 1 0 6.300M18.500 14.500c1.800.8 2.800 2.500 3 5',
  leave:
    'M14 4.500H6a1.500 1.500 0 0 0-1.500 1.500v12A1.500 1.500 0 0 0 6 19.500h8M10.500 12H21M17 8l4 4-4 4',
  minus: 'M5 12h14',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z',
  more: 'M5.500 12h.01M12 12h.01M18.500 12h.01',
  person: 'M12 11.500a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20c.6-4 3.400-6 7.500-6s6.900 2 7.500 6',
  plus: 'M12 5v14M5 12h14',
  recall: 'M8.500 5L4 9.500 8.500 14M4 9.500h10a6 6 0 0 1 0 12h-3',
  retry: 'M19.500 12a7.500 7.500 0 1 1-2.200-5.300L20 9.400M20 4.500v5h-5',
  search: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500L20.500 20.500',
  send: 'M4 12L3.500 4.500 21 12 3.500 19.500zM4 12h8',
  shield: 'M12 3.500l7 2.500v5.500c0 4.500-3 7.500-7 9-4-1.500-7-4.500-7-9V6z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M18.700 5.300l-1.400 1.400M6.700 17.300l-1.400 1.400',
  warning: 'M12 4L2.500 20h19zM12 10v4.500M12 17.300h.01',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width={name === 'more' ? 3 : 1.8}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
