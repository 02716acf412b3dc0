// A policy that reads the database, and a service that knows another one: the layer rules must refuse both.
import { centralThing } from '../../central/thing.ts';
import { readTable } from '../../platform/store/table.ts';

export const somePolicy = [centralThing, readTable];
