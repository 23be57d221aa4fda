"""Bodies on their way between files, standard streams and stores of objects.

Belongs here: how a file becomes an object and an object a file, many of them at once, and the
comparison of two sides. Does not: arguments and answers (``commands/obj``).

    places.py       what an argument names: a file, an object, a standard stream
    files.py        the files of a directory; errors of the file system as ours
    streams.py      standard streams and pipes, which may wait for ever
    digests.py      SHA-256 of files; where an object's is kept
    uploading.py    a file or a stream -> an object
    partial.py      a file that is being received, and how far it is
    downloading.py  an object -> a file or a stream
    between.py      an object -> another, in the same store or in another one
    together.py     many transfers side by side
    sides.py        what there is on one side of a comparison
    comparing.py    two sides -> what has to be copied and removed
    bar.py          what a person sees meanwhile
"""
