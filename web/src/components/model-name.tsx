import { linkTo } from '../route.ts';

interface ModelNameProps {
  model: string;
  provider: string;
  isLink?: boolean;
}

/** A model with who offers it. */
export function ModelName({ model, provider, isLink = true }: ModelNameProps) {
  return (
    <span class="model-name">
      {isLink ? <a href={linkTo(['models', provider, model])}>{model}</a> : <b>{model}</b>}{' '}
      <span class="dim">{provider}</span>
    </span>
  );
}
