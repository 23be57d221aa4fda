"""The defects that are planted, by what they are of."""
