import { Toast } from '@base-ui/react/toast';
import { X } from 'lucide-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { titleRules } from '../api/queries.js';
import { useLive } from '../live/LiveProvider.js';
import { happenedText } from '../words/titles.js';

/** Tells of each award when it happens, wherever the viewer is. */
export function AwardToasts() {
  const { onAward } = useLive();
  const { add, toasts } = Toast.useToastManager();
  const known = useQuery(titleRules()).data?.titles;
  useEffect(
    () =>
      onAward((event) => {
        if (event.kind !== 'award') return;
        const { award } = event;
        // The other side of a takeover says it all.
        if (award.withheld || award.reason === 'overtaken') return;
        const title = known?.find(({ id }) => id === award.title_id)?.name ?? award.title_id;
        const from = award.previous_holder_handle === null ? '' : ` from ${award.previous_holder_handle}`;
        add({
          title: `${award.name ?? award.handle ?? ''} ${happenedText(award)} ${title}${award.type === 'title_awarded' ? from : ''}`,
          timeout: 8000,
        });
      }),
    [onAward, add, known],
  );
  return (
    <Toast.Portal>
      <Toast.Viewport className="toasts">
        {toasts.map((toast) => (
          <Toast.Root key={toast.id} toast={toast} className="toast" swipeDirection="right">
            <Toast.Content className="toast__content">
              <Toast.Title className="toast__title" />
              <Toast.Close className="icon-button" aria-label="Close">
                <X aria-hidden size={16} />
              </Toast.Close>
            </Toast.Content>
          </Toast.Root>
        ))}
      </Toast.Viewport>
    </Toast.Portal>
  );
}
