"""Names and values as text that other programs read, and back again.

Belongs here: pure functions from secrets to text and from bytes to items, one file per
dialect with its one quoting routine. Does not: reading stores, opening files, asking people.
``table.py`` lists the dialects; ``naming.py`` makes portable names out of foreign ones.
"""
