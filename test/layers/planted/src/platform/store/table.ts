export const readTable = 'a statement';
