/** A laurel wreath, in the colour of the text around it. */
export function Mark({ size = 24 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" className="mark" aria-hidden focusable="false">
      <g className="mark__leaves">
        {[false, true].map((isMirrored) => (
          <g key={String(isMirrored)} transform={isMirrored ? 'matrix(-1 0 0 1 24 0)' : undefined}>
            <path d="M6.3 3.2c2 .7 3 2.200 2.700 4.200-2-.6-3-2.200-2.700-4.200z" />
            <path d="M3.600 6.700c2.100.3 3.300 1.700 3.400 3.700-2.100-.3-3.300-1.700-3.400-3.700z" />
            <path d="M2.700 11.200c2.100-.1 3.600.9 4.100 2.800-2.100.2-3.600-.8-4.100-2.800z" />
            <path d="M4.100 15.800c2-.6 3.700.1 4.600 1.800-1.900.7-3.700 0-4.600-1.800z" />
            <path d="M7.400 19.400c1.600-1.300 3.300-1.300 4.600.1-1.600 1.300-3.400 1.300-4.600-.1z" />
          </g>
        ))}
      </g>
      <circle className="mark__berry" cx="12" cy="10.500" r="2.600" />
    </svg>
  );
}
