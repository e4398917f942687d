export type DifferenceId = string;
