import { Popover } from '@base-ui/react/popover';
import { Info } from 'lucide-react';

/** Where the board's figures come from, and what they don't say, as the API itself says it, and more. */
export function AboutFigures({ measures }: { readonly measures: string | undefined }) {
  return (
    <Popover.Root>
      <Popover.Trigger className="button button--quiet">
        <Info aria-hidden size={16} /> About these figures
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={8} align="end" className="popup-place">
          <Popover.Popup className="card popover">
            <Popover.Title className="popover__title">Where they come from</Popover.Title>
            <Popover.Description render={<div />} className="popover__text">
              <p>
                Tools report each call with its tokens of each class. A call counts once, on the UTC day when it was
                made. A row’s bar shows what its tokens are made of; a person’s page has them by day, class and model.
              </p>
              <h3 className="popover__title">What they don’t measure</h3>
              <p>{measures ?? 'These figures are token volume, as publishers reported it.'}</p>
              <ul>
                <li>A short prompt can hold the better idea; a long one may only repeat a file.</li>
                <li>Teams work with different tools, and some work can’t be sent to a model at all.</li>
                <li>Cost is by list prices. What the company really pays may differ.</li>
                <li>Who chose to be hidden is not on the board, and not in its ranks.</li>
              </ul>
            </Popover.Description>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
