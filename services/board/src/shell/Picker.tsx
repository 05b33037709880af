import { Select } from '@base-ui/react/select';
import { Check, ChevronDown } from 'lucide-react';

export interface PickerOption<T extends string> {
  readonly value: T;
  readonly name: string;
}

interface PickerProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly PickerOption<T>[];
  readonly onChange: (value: T) => void;
}

/** One of several, in a list that opens. */
export function Picker<T extends string>({ label, value, options, onChange }: PickerProps<T>) {
  const nameOf = (one: T): string => options.find((option) => option.value === one)?.name ?? one;
  return (
    <Select.Root
      value={value}
      modal={false}
      onValueChange={(next: T | null) => {
        if (next !== null) onChange(next);
      }}
    >
      <Select.Trigger className="picker" aria-label={`${label}: ${nameOf(value)}`}>
        <Select.Value className="picker__value">{(one: T) => nameOf(one)}</Select.Value>
        <Select.Icon className="picker__icon">
          <ChevronDown aria-hidden size={16} />
        </Select.Icon>
      </Select.Trigger>
      <Select.Portal>
        <Select.Positioner sideOffset={6} alignItemWithTrigger={false} className="popup-place">
          <Select.Popup className="menu menu--picker">
            <Select.List>
              {options.map((option) => (
                <Select.Item key={option.value} value={option.value} className="menu__item">
                  <Select.ItemText>{option.name}</Select.ItemText>
                  <Select.ItemIndicator className="menu__check">
                    <Check aria-hidden size={16} />
                  </Select.ItemIndicator>
                </Select.Item>
              ))}
            </Select.List>
          </Select.Popup>
        </Select.Positioner>
      </Select.Portal>
    </Select.Root>
  );
}
