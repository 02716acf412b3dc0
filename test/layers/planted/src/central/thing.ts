export const centralThing = 'a part of another service';
