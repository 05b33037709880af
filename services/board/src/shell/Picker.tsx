import { Combobox } from '@base-ui/react/combobox';
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

/** More than this are looked for by a part of their name. */
const MANY = 12;
/** Of many, as many as are listed at once: a company has thousands of teams. */
const MOST_LISTED = 100;

/** One of several, in a list that opens. */
export function Picker<T extends string>(props: PickerProps<T>) {
  return props.options.length > MANY ? <Finder {...props} /> : <OneOfFew {...props} />;
}

function OneOfFew<T extends string>({ label, value, options, onChange }: PickerProps<T>) {
  const name = nameOf(options, value);
  return (
    <Select.Root
      value={value}
      modal={false}
      onValueChange={(next: T | null) => {
        if (next !== null) onChange(next);
      }}
    >
      <Select.Trigger className="picker" aria-label={`${label}: ${name}`}>
        <Select.Value className="picker__value">{name}</Select.Value>
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

interface FinderProps<T extends string> extends PickerProps<T> {
  /** Whether there may be more options than are known by now. */
  readonly isReading?: boolean;
  /** Told when somebody is about to open it. */
  readonly onSeek?: () => void;
}

/** One of many, in a list that opens and is searched by a part of their name. */
export function Finder<T extends string>(props: FinderProps<T>) {
  const { label, value, options, isReading = false, onChange, onSeek } = props;
  const name = nameOf(options, value);
  return (
    <Combobox.Root
      items={options}
      value={options.find((option) => option.value === value) ?? null}
      itemToStringLabel={(option: PickerOption<T>) => option.name}
      isItemEqualToValue={(one: PickerOption<T>, other: PickerOption<T>) => one.value === other.value}
      limit={MOST_LISTED}
      autoHighlight
      onOpenChange={(isOpen) => {
        if (isOpen) onSeek?.();
      }}
      onValueChange={(next: PickerOption<T> | null) => {
        if (next !== null) onChange(next.value);
      }}
    >
      <Combobox.Trigger className="picker" aria-label={`${label}: ${name}`} onPointerEnter={onSeek} onFocus={onSeek}>
        <span className="picker__value">{name}</span>
        <Combobox.Icon className="picker__icon">
          <ChevronDown aria-hidden size={16} />
        </Combobox.Icon>
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner sideOffset={6} align="start" className="popup-place">
          <Combobox.Popup className="menu menu--picker" aria-label={label}>
            <Combobox.Input className="picker__find" placeholder="Find" aria-label={`${label}: a part of the name`} />
            <Combobox.Empty>
              <p className="picker__none">{isReading ? 'The names are being read …' : 'None has this in its name.'}</p>
            </Combobox.Empty>
            <Combobox.List>
              {(option: PickerOption<T>) => (
                <Combobox.Item key={option.value} value={option} className="menu__item">
                  <span>{option.name}</span>
                  <Combobox.ItemIndicator className="menu__check">
                    <Check aria-hidden size={16} />
                  </Combobox.ItemIndicator>
                </Combobox.Item>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}

const nameOf = <T extends string>(options: readonly PickerOption<T>[], value: T): string =>
  options.find((option) => option.value === value)?.name ?? value;
