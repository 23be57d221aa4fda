"""Outages that are made, not simulated: real stores that go wrong while a program uses them."""
