import { type Theme, themes, useTheme } from '../theme.ts';
import { Choice } from './field.tsx';

const labels: Record<Theme, string> = { system: 'System', light: 'Light', dark: 'Dark' };
const options = themes.map((value) => ({ value, label: labels[value] }));

export function ThemeSwitch() {
  const [theme, setTheme] = useTheme();
  return <Choice label="Colours" value={theme} options={options} onChange={setTheme} />;
}
