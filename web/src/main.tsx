import { render } from 'preact';
import { App } from './app.tsx';
import './style/tokens.css';
import './style/base.css';
import './style/layout.css';
import './style/parts.css';
import { applyTheme } from './theme.ts';

applyTheme();
const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
