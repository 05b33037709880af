import './card.css';
import type { ReactNode } from 'react';

interface CardProps {
  readonly title: string;
  readonly about?: string;
  readonly className?: string;
  readonly children: ReactNode;
}

export function Card({ title, about, className = '', children }: CardProps) {
  return (
    <section className={`card panel ${className}`} aria-label={title}>
      <div className="panel__head">
        <h2>{title}</h2>
        {about === undefined ? null : <p>{about}</p>}
      </div>
      {children}
    </section>
  );
}
