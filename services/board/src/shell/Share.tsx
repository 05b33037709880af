import './share.css';
import { Popover } from '@base-ui/react/popover';
import { Check, Copy, Share2 } from 'lucide-react';
import { useState, type ReactNode } from 'react';

interface ShareProps {
  readonly name: string;
  readonly about: string;
  /** Texts to be copied. */
  readonly texts: readonly { readonly name: string; readonly text: string }[];
  readonly children?: ReactNode;
}

/** How something is shown elsewhere. */
export function Share({ name, about, texts, children }: ShareProps) {
  return (
    <Popover.Root>
      <Popover.Trigger className="button">
        <Share2 aria-hidden size={16} /> {name}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={8} align="end" className="popup-place">
          <Popover.Popup className="card popover share">
            <Popover.Title className="popover__title">{name}</Popover.Title>
            <Popover.Description className="popover__text">{about}</Popover.Description>
            {children}
            {texts.map((one) => (
              <CopyText key={one.name} {...one} />
            ))}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function CopyText({ name, text }: { readonly name: string; readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  // Outside of a secure context there is no clipboard; the text can be selected by hand.
  const canCopy = 'clipboard' in navigator;
  return (
    <div className="share__one">
      <label className="share__text">
        <span>{name}</span>
        <input readOnly value={text} onFocus={(event) => event.target.select()} />
      </label>
      {canCopy ? (
        <button
          type="button"
          className="icon-button"
          aria-label={isCopied ? `${name} is copied` : `Copy ${name}`}
          onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
        >
          {isCopied ? <Check aria-hidden size={16} /> : <Copy aria-hidden size={16} />}
        </button>
      ) : null}
    </div>
  );
}
