"""Personal data in texts: one family of recognisers a file.

A recogniser takes a normalised text and yields ``Found``. It does a bounded amount of work for
each place that could be something, so that all of them are linear in the text's length. What
only looks right is told from what is right by check digits, by the words around it
(``context``), or by both; how sure that makes it is its score.
"""
