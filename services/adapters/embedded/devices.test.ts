import { devicesConformance } from '../../ports/devices.conformance.ts';
import { EmbeddedFixture } from './testing/embedded-fixture.ts';

devicesConformance('the embedded store', () => EmbeddedFixture.open());
