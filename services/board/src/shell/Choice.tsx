import { Radio } from '@base-ui/react/radio';
import { RadioGroup } from '@base-ui/react/radio-group';

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly T[];
  readonly names: Readonly<Record<T, string>>;
  readonly onChange: (value: T) => void;
}

/** One of a few, all of them in sight. */
export function Choice<T extends string>({ label, value, options, names, onChange }: ChoiceProps<T>) {
  return (
    <RadioGroup className="choice" aria-label={label} value={value} onValueChange={onChange}>
      {options.map((option) => (
        <Radio.Root key={option} value={option} className="choice__option" aria-label={names[option]}>
          {names[option]}
        </Radio.Root>
      ))}
    </RadioGroup>
  );
}
