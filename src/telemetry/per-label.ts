/**
 * The same label gives the same thing, made when it is first asked for. Nothing is forgotten: every label has few values.
 * For several labels it makes another: `ofBoth(one)(other)` is a look-up each and builds no name for the two.
 */
export function perLabel<Label, Made extends object>(make: (label: Label) => Made): (label: Label) => Made {
  const known = new Map<Label, Made>();
  return (label) => {
    const found = known.get(label);
    if (found) return found;
    const made = make(label);
    known.set(label, made);
    return made;
  };
}
