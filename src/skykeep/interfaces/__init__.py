"""What applications use and providers write.

Belongs here: portable types, driver contracts and the data between them. Does not: any
behaviour of a layer, any provider, any I/O.
"""
