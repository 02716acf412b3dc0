import { useRoute } from '../route.ts';
import { Page } from '../components/page.tsx';
import { AuditPage } from './audit/audit.tsx';
import { DecisionPage } from './decisions/decision.tsx';
import { DecisionsPage } from './decisions/decisions.tsx';
import { InstancesPage } from './instances.tsx';
import { KeysPage } from './keys/keys.tsx';
import { LearningPage } from './learning/learning.tsx';
import { ModelPage } from './models/model.tsx';
import { ModelsPage } from './models/models.tsx';
import { OverviewPage } from './overview/overview.tsx';
import { PlaygroundPage } from './playground/playground.tsx';
import { RacePage } from './races/race.tsx';
import { RacesPage } from './races/races.tsx';
import { UpgradePage } from './upgrades/upgrade.tsx';
import { UpgradesPage } from './upgrades/upgrades.tsx';

/** The view that the address names. */
export function View() {
  const {
    path: [name = 'overview', first, second],
    query,
  } = useRoute();
  switch (name) {
    case 'overview':
      return <OverviewPage />;
    case 'models':
      return first === undefined || second === undefined ? (
        <ModelsPage />
      ) : (
        <ModelPage key={`${first}/${second}`} provider={first} model={second} />
      );
    case 'decisions':
      return first === undefined ? <DecisionsPage query={query} /> : <DecisionPage key={first} id={first} />;
    case 'learning':
      return <LearningPage />;
    case 'races':
      return first === undefined ? <RacesPage /> : <RacePage key={first} id={first} />;
    case 'upgrades':
      return first === undefined ? <UpgradesPage /> : <UpgradePage key={first} id={first} />;
    case 'instances':
      return <InstancesPage />;
    case 'keys':
      return <KeysPage />;
    case 'audit':
      return <AuditPage query={query} />;
    case 'playground':
      return <PlaygroundPage />;
    default:
      return (
        <Page title="No such view">
          <p>
            There is nothing here. Go to the <a href="#/">overview</a>.
          </p>
        </Page>
      );
  }
}
